import Mongo
import Runtime
import Synchronization

/// Carries out the completions of a batch: each ends the active document of another command, which frees its resource,
/// and leaves a document of its own with its outcome.
///
/// Both happen in one transaction. The same completion may be carried out twice at the same time, by two members of the
/// group, while the command that it is to end is being inserted. One of them, let us say, finds nothing to end and
/// stores that as its outcome; the other, a moment later, finds something. Without the transaction it would end it, and
/// only then learn what it should have answered. With it, ending and storing fail together, and the stored outcome is
/// the answer.
///
/// Used on one worker's thread.
struct CompletionExecutor {
    private struct Ending {
        /// Index of the command in its batch.
        let item: Int
        let id: String
        let target: String
        let expiresAt: Int64?
    }

    /// A transaction carries at most so many; one that is large conflicts with many and is repeated as a whole.
    private static let maximum = 500
    /// Conflicts that last longer are told.
    private static let longConflict: Duration = .seconds(5)

    private let context: DispatchContext
    private let patience: MongoRetry
    private let stored: StoredOutcomes

    init(context: DispatchContext, patience: MongoRetry) {
        self.context = context
        self.patience = patience
        stored = StoredOutcomes(settings: context.settings)
    }

    /// Answers the commands at `indices`, all of them completions.
    ///
    /// - Throws: ``BatchAbandoned``, ``Halt``.
    func carryOut(_ indices: [Int], of batch: CommandBatch) throws {
        let endings = indices.compactMap { index -> Ending? in
            let command = batch.items[index].command
            guard case .complete(let target) = command.order else { return nil }
            return Ending(item: index, id: command.id, target: target, expiresAt: command.expiresAt)
        }
        var rest = endings[...]
        while !rest.isEmpty {
            try end(Array(rest.prefix(Self.maximum)), of: batch)
            rest = rest.dropFirst(Self.maximum)
        }
    }

    /// What the targets of a batch's completions hold, for the order of the batch: what a completion really ends is
    /// seen when it does.
    ///
    /// - Throws: ``BatchAbandoned``, ``Halt``.
    func held(by batch: CommandBatch) throws -> [ByteEqualString: Resource] {
        // A completion alone has nothing to be in order with.
        guard batch.items.count > 1 else { return [:] }
        let targets = Set(
            batch.items.compactMap { item -> ByteEqualString? in
                if case .complete(let target) = item.command.order { ByteEqualString(target) } else { nil }
            }
        ).subtracting(batch.items.map { ByteEqualString($0.command.id) })
        guard !targets.isEmpty else { return [:] }
        return try patience.untilAnswered(batch) {
            try context.pool.withClient { client throws(MongoError) in
                try stored.held(by: targets, in: context.guardIndex.field, of: client)
            }
        }
    }

    private func end(_ endings: [Ending], of batch: CommandBatch) throws {
        var endings = endings
        var backoff = Backoff(initial: .milliseconds(5), cap: .seconds(1))
        let conflictsSince = ContinuousClock.now
        while true {
            endings.removeAll { batch.isDropped($0.item) }
            guard !endings.isEmpty else { return }
            switch try patience.untilAnswered(batch, { try attempt(endings, of: batch, at: WallClock.milliseconds()) }) {
            case .done(let outcomes):
                for (ending, outcome) in zip(endings, outcomes) { batch.answer(ending.item, .outcome(outcome)) }
                return
            case .someDoneBefore(let time):
                let others = try answerDoneBefore(endings, of: batch, after: time)
                // One of them has a document, as the server says.
                if others.count == endings.count, let first = others.first {
                    patience.failed(stored.hidden(first.id))
                }
                endings = others
            case .never(let index, let code, let message):
                let ending = endings.remove(at: index)
                batch.answer(ending.item, .invalid(id: ending.id, code: code, message: message, at: batch.time(of: ending.item)))
                continue
            case .conflict:
                // The transaction of a member that died is open until the server ends it
                // (`transactionLifetimeLimitSeconds`).
                if conflictsSince.duration(to: .now) > Self.longConflict {
                    patience.failed(
                        MongoError(
                            kind: .server(code: .writeConflict), operation: "end documents",
                            message: "another transaction holds them; one of a member that died is ended by the server within a minute"))
                }
            }
            if !endings.isEmpty { try patience.wait(for: backoff.next(), batch) }
        }
    }

    private func answerDoneBefore(_ endings: [Ending], of batch: CommandBatch, after time: BSONTimestamp?) throws -> [Ending] {
        let found = try patience.untilAnswered(batch) {
            try context.pool.withClient { client throws(MongoError) in try stored.find(endings.map(\.id), after: time, of: client) }
        }
        return endings.filter { ending in
            guard
                let answer = found[ByteEqualString(ending.id)]?.answer(
                    to: ending.id, from: ending.item, of: batch, in: context.settings.collection)
            else { return true }
            batch.answer(ending.item, answer)
            return false
        }
    }

    // MARK: The transaction

    private enum Attempt {
        case done([Outcome])
        /// Some completion has a document already; nothing was changed.
        case someDoneBefore(BSONTimestamp?)
        /// What this completion writes is refused whenever it is tried; nothing was changed.
        case never(index: Int, code: String, message: String)
        /// Another writer was faster; nothing was changed.
        case conflict
    }

    /// Reads the documents to end, ends those that are active, stores the outcomes: all or nothing.
    private func attempt(_ endings: [Ending], of batch: CommandBatch, at now: Int64) throws -> Attempt {
        try context.pool.withClient { client in
            let transaction = try MongoTransaction(of: client, writeConcern: context.writeConcern)
            do {
                let active = try read(endings.map(\.target), in: transaction, of: client)
                let outcomes = decide(endings, active: active, at: now)
                if let refused = try end(endings, as: outcomes, in: transaction, of: client)
                    ?? store(endings, outcomes, of: batch, in: transaction, of: client)
                {
                    transaction.abort()
                    return try refused.attempt(context)
                }
                try commit(transaction, batch)
                release(outcomes, asOf: transaction.operationTime)
                return .done(outcomes)
            } catch let error as MongoError where error.isTransientTransactionError && error.code != nil {
                transaction.abort()
                return .conflict
            }
        }
    }

    /// The active ones among the targets, with the resource that each holds.
    private func read(
        _ targets: [String], in transaction: borrowing MongoTransaction, of client: borrowing MongoClient
    ) throws(MongoError) -> [ByteEqualString: Resource?] {
        let collection = context.settings.collection
        let reply = try transaction.command(
            [
                "find": .string(collection.collection),
                "filter": ["_id": ["$in": .array(Set(targets.map { ByteEqualString($0) }).map { .string($0.text) })], "status": "active"],
                "projection": .document([context.guardIndex.field: 1]), "batchSize": BSONValue(targets.count + 1), "singleBatch": true,
            ], on: collection.database, of: client, operation: "read the documents to end")
        var active: [ByteEqualString: Resource?] = [:]
        for document in reply["cursor"]?.documentValue?["firstBatch"]?.arrayValue?.compactMap(\.documentValue) ?? [] {
            if let id = document["_id"]?.stringValue {
                active[ByteEqualString(id)] = .some(document[context.guardIndex.field].map { Resource($0) })
            }
        }
        return active
    }

    /// In their order: of two completions of one document the first ends it.
    private func decide(_ endings: [Ending], active: [ByteEqualString: Resource?], at now: Int64) -> [Outcome] {
        var active = active
        return endings.map { ending in
            func rejected(_ message: String, attempts: Int) -> Outcome {
                Outcome(
                    id: ending.id, status: .rejected, requested: nil, assigned: nil, attempts: attempts, message: message, at: now)
            }
            if let expiry = ending.expiresAt, expiry < now {
                return rejected(context.sentences.expired(ending.id, at: expiry), attempts: 0)
            }
            guard let resource = active.removeValue(forKey: ByteEqualString(ending.target)) else {
                return rejected(context.sentences.noActive(ending.target), attempts: 1)
            }
            return Outcome(
                id: ending.id, status: .completed, requested: nil, assigned: resource, attempts: 1,
                message: context.sentences.completed(resource), at: now)
        }
    }

    /// The first document that the server refused; the transaction is over then.
    private struct Refused {
        /// Of the completion that wanted it.
        let index: Int
        let refusal: WriteReply.Refusal
        let time: BSONTimestamp?

        init?(_ reply: BSONDocument, completions: [Int]) {
            guard let refusal = reply["writeErrors"]?.arrayValue?.first?.documentValue,
                let index = refusal["index"]?.int64Value.flatMap({ Int(exactly: $0) }), completions.indices.contains(index)
            else { return nil }
            self.index = completions[index]
            self.refusal = WriteReply.Refusal(
                index: index, code: MongoError.Code(refusal["code"]?.int64Value),
                message: refusal["errmsg"]?.stringValue ?? "", keyPattern: refusal["keyPattern"]?.documentValue?.keys)
            time = reply["operationTime"]?.timestampValue
        }

        /// - Throws: what passes, or ends the dispatcher.
        func attempt(_ context: DispatchContext) throws -> Attempt {
            switch DocumentRefusal(refusal, guardedBy: context.guardIndex, dispatcher: context.settings) {
            case .doneBefore: return .someDoneBefore(time)
            case .never(let code, let message): return .never(index: index, code: code, message: message)
            // Nothing that a completion writes has a value of the guarded field that another document of a dispatcher
            // could have.
            case .busy: throw context.guardIndex.halt(refusing: refusal, dispatcher: context.settings)
            case .unknownIndex: throw GuardIndex.Changed(dispatcher: context.settings)
            case .retry(let error): throw error
            case .halt(let halt): throw halt
            }
        }
    }

    /// - Returns: nil when all are ended.
    private func end(
        _ endings: [Ending], as outcomes: [Outcome], in transaction: borrowing MongoTransaction, of client: borrowing MongoClient
    ) throws(MongoError) -> Refused? {
        let completed = outcomes.indices.filter { outcomes[$0].status == .completed }
        guard !completed.isEmpty else { return nil }
        let updates = completed.map { index -> BSONValue in
            let filter: BSONDocument = ["_id": .string(endings[index].target), "status": "active"]
            return ["q": .document(filter), "u": .document(context.writer.ending(of: endings[index].target, by: outcomes[index]))]
        }
        let collection = context.settings.collection
        let reply = try transaction.command(
            ["update": .string(collection.collection), "updates": .array(updates)], on: collection.database, of: client,
            operation: "end documents")
        let refused = Refused(reply, completions: completed)
        guard refused != nil || reply["n"]?.int64Value == Int64(completed.count) else {
            // What was read as active is not there to be ended: read again.
            throw MongoError(
                kind: .server(code: .writeConflict), operation: "end documents", message: "a document changed meanwhile",
                labels: ["TransientTransactionError"])
        }
        return refused
    }

    /// - Returns: nil when all are in.
    private func store(
        _ endings: [Ending], _ outcomes: [Outcome], of batch: CommandBatch, in transaction: borrowing MongoTransaction,
        of client: borrowing MongoClient
    ) throws(MongoError) -> Refused? {
        let documents = zip(endings, outcomes).map { ending, outcome in
            BSONValue.document(context.writer.completion(outcome, of: ending.target, from: batch.items[ending.item].origin))
        }
        let collection = context.settings.collection
        let reply = try transaction.command(
            ["insert": .string(collection.collection), "documents": .array(documents)], on: collection.database, of: client,
            operation: "store the outcomes of completions")
        return Refused(reply, completions: Array(endings.indices))
    }

    /// Until it is known that the transaction is in: committing again what was committed changes nothing.
    private func commit(_ transaction: borrowing MongoTransaction, _ batch: CommandBatch) throws {
        var backoff = Backoff(initial: .milliseconds(20), cap: .seconds(5))
        while true {
            do throws(MongoError) {
                return try transaction.commit()
            } catch {
                guard error.isUnknownCommitResult else { throw error }
                patience.failed(error)
            }
            try patience.wait(for: backoff.next(), batch)
        }
    }

    private func release(_ outcomes: [Outcome], asOf time: BSONTimestamp?) {
        guard context.resources != nil, let time else { return }
        context.free.withLock { free in
            for outcome in outcomes where outcome.status == .completed {
                if let resource = outcome.assigned { free.release(resource, asOf: time) }
            }
        }
    }
}
