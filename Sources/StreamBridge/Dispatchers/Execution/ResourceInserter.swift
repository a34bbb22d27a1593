import Mongo
import Runtime
import Synchronization

/// Carries out the dispatch commands of a batch: inserts each with the resource that it asks for, and where the unique
/// index says that it is busy, with others, until one takes it or none is free.
///
/// The index decides, nobody else: what ``FreeResources`` says is only where to look first. Used on one worker's
/// thread.
struct ResourceInserter: ~Copyable {
    /// A bulk beyond this is sent in parts.
    private static let maxBytes = 8 << 20

    private let context: DispatchContext
    private let patience: MongoRetry
    /// The worker's number.
    private let worker: Int
    private let stored: StoredOutcomes
    private var bulk: InsertCommand
    private var contradictions: Contradictions

    init(context: DispatchContext, patience: MongoRetry, worker: Int) {
        self.context = context
        self.patience = patience
        self.worker = worker
        stored = StoredOutcomes(settings: context.settings)
        contradictions = Contradictions(context: context, patience: patience)
        bulk = InsertCommand(
            database: context.settings.collection.database, collection: context.settings.collection.collection,
            writeConcern: context.writeConcern)
    }

    /// Answers the commands at `indices`, all of them dispatches, and those that had to wait.
    ///
    /// - Parameters:
    ///   - parked: what an earlier call returned.
    ///   - mayWait: whether a command for which nothing is free can wait.
    /// - Returns: the commands that wait; all others are answered.
    /// - Throws: ``BatchAbandoned``, ``Halt``.
    mutating func carryOut(
        _ indices: [Int], parked: [InsertAttempt], of batch: CommandBatch, mayWait: (Int) -> Bool
    ) throws -> [InsertAttempt] {
        let now = WallClock.milliseconds()
        let taken = try takenStrangers(indices, of: batch)
        let attempts = indices.compactMap { index in first(index, of: batch, isTaken: taken.contains(index), at: now) }
        // Documents that the server takes all go in together, many to a storage transaction; one that it refuses makes
        // it try its neighbours one by one. So those that will be refused, as it seems, go in a bulk of their own.
        let (likely, unlikely, refused) = context.free.withLock { free in
            attempts.reduce(into: (likely: [InsertAttempt](), unlikely: [InsertAttempt](), refused: [InsertAttempt]())) { parts, attempt in
                if attempt.isActive, taken.contains(attempt.item) {
                    parts.refused.append(attempt)
                } else if attempt.isActive, let resource = attempt.outcome.requested, free.seemsBusy(resource) {
                    parts.unlikely.append(attempt)
                } else {
                    parts.likely.append(attempt)
                }
            }
        }
        var busy = try parked.filter { !batch.isDropped($0.item) } + insert(likely, of: batch)
        busy += try insert(unlikely, of: batch)
        busy += refused
        var waiting: [InsertAttempt] = []
        contradictions.begin()
        while !busy.isEmpty {
            // First come, first served.
            busy.sort { $0.item < $1.item }
            let (next, parked) = try reassign(busy, of: batch, mayWait: mayWait)
            waiting += parked
            busy = try insert(next, of: batch)
            try contradictions.settle(busy.filter(\.isCalledFree).compactMap(\.outcome.assigned), after: refusedAt, of: batch)
        }
        return waiting
    }

    /// Those of the commands whose resource is busy and not in the pool (any more). It is not offered, because it might
    /// be free by then; the look stands for the server's refusal.
    private func takenStrangers(_ indices: [Int], of batch: CommandBatch) throws -> Set<Int> {
        guard let resources = context.resources else { return [] }
        var names: [Int: [Resource]] = [:]
        for index in indices where !batch.items[index].asksForMember && !batch.isDropped(index) {
            guard case .dispatch(let resource, _) = batch.items[index].command.order else { continue }
            names[index] = [resource] + resource.namesakes
        }
        guard !names.isEmpty else { return [] }
        let held = try patience.untilAnswered(batch) {
            try context.pool.withClient { client throws(MongoError) in
                try resources.held(among: Array(Set(names.values.joined())), of: client)
            }
        }
        return Set(names.filter { $0.value.contains(where: held.contains) }.keys)
    }

    /// The document that is tried first: always with the resource that the command asks for.
    ///
    /// - Parameter isTaken: the resource is not in the pool, and busy.
    private func first(_ index: Int, of batch: CommandBatch, isTaken: Bool, at now: Int64) -> InsertAttempt? {
        let command = batch.items[index].command
        guard case .dispatch(let resource, let body) = command.order, !batch.isDropped(index) else { return nil }
        if let expiry = command.expiresAt, expiry < now {
            let outcome = Outcome(
                id: command.id, status: .rejected, requested: resource, assigned: nil, attempts: 0,
                message: context.sentences.expired(command.id, at: expiry), at: now)
            return InsertAttempt(item: index, body: body, outcome: outcome, isActive: false)
        }
        guard batch.items[index].asksForMember || isTaken else {
            let outcome = Outcome(
                id: command.id, status: .rejected, requested: resource, assigned: nil, attempts: 0,
                message: context.sentences.notInPool(resource), at: now)
            return InsertAttempt(item: index, body: body, outcome: outcome, isActive: false)
        }
        let outcome = Outcome(
            id: command.id, status: .dispatched, requested: resource, assigned: resource, attempts: 1,
            message: context.sentences.dispatched(resource), at: now)
        return InsertAttempt(item: index, body: body, outcome: outcome, isActive: true)
    }

    // MARK: Reassigning

    /// The next document of each command whose resource was busy: with another resource, or the rejection when there is
    /// none.
    private func reassign(
        _ busy: [InsertAttempt], of batch: CommandBatch, mayWait: (Int) -> Bool
    ) throws -> (next: [InsertAttempt], waiting: [InsertAttempt]) {
        guard let resources = context.resources else { return (busy.map { rejection(of: $0, context.sentences.noPool) }, []) }
        var candidates = context.free.withLock { free in take(busy.count, from: &free) }
        var waiting = busy.dropFirst(candidates.count).filter { mayWait($0.item) }
        var missing = busy.count - candidates.count - waiting.count
        let deadline = ContinuousClock.now + Self.patienceWithOthers
        while missing > 0, .now < deadline, context.completions.awaitChange(by: worker, within: Self.longestWait) {
            try patience.check(batch)
            candidates += context.free.withLock { free in take(busy.count - candidates.count, from: &free) }
            waiting = busy.dropFirst(candidates.count).filter { mayWait($0.item) }
            missing = busy.count - candidates.count - waiting.count
        }
        var calledFree: Set<Resource> = []
        if missing > 0 {
            // The hint is empty; only the server knows that nothing is free. It is asked once for all: after the last
            // of them was refused.
            let spare = context.free.withLock { $0.isFollowed } ? Self.spare : 0
            let found = try patience.untilAnswered(batch) {
                try context.pool.withClient { client in try resources.free(atMost: missing + spare, after: refusedAt, of: client) }
            }
            calledFree = Set(found)
            candidates += context.free.withLock { free in
                for resource in found { free.discover(resource) }
                return take(missing, from: &free)
            }
        }
        context.status.reassigning(candidates.count)
        let waits = Set(waiting.map(\.item))
        let next = busy.filter { !waits.contains($0.item) }.enumerated().map { index, attempt in
            guard index < candidates.count, let requested = attempt.outcome.requested else {
                return rejection(of: attempt, context.sentences.noneFree)
            }
            var next = attempt
            next.isTaken = true
            next.isCalledFree = calledFree.contains(candidates[index])
            next.outcome.assigned = candidates[index]
            next.outcome.attempts += 1
            // The one that it asked for may be free by now.
            let isRequested = candidates[index] == requested
            next.outcome.status = isRequested ? .dispatched : .reassigned
            next.outcome.message =
                isRequested ? context.sentences.dispatched(requested) : context.sentences.reassigned(requested, to: candidates[index])
            return next
        }
        return (next, waiting)
    }

    /// While other workers' completions are waited for, the batch still looks around this often.
    private static let longestWait: Duration = .seconds(1)

    /// Others may have completions again and again; one that finds nothing all the same is told so.
    private static let patienceWithOthers: Duration = .seconds(5)

    /// How many more free resources than needed are asked for: the next conflicts find them in the hint. None while
    /// nobody tells when they are taken or gone.
    private static let spare = 1000

    /// The cluster time of the newest refusal: a look at the pool after it sees what refused.
    private var refusedAt: BSONTimestamp?

    private func take(_ count: Int, from free: inout FreeResources) -> [Resource] {
        var taken: [Resource] = []
        while taken.count < count, let resource = free.take() { taken.append(resource) }
        return taken
    }

    private func rejection(of attempt: InsertAttempt, _ sentence: (Resource) -> String) -> InsertAttempt {
        var next = attempt
        next.isActive = false
        next.isTaken = false
        next.isCalledFree = false
        next.outcome.status = .rejected
        next.outcome.assigned = nil
        next.outcome.message = attempt.outcome.requested.map(sentence) ?? ""
        return next
    }

    // MARK: Inserting

    /// Offers documents to the server until it has decided about each.
    ///
    /// - Returns: those whose resource is busy. All others are answered.
    private mutating func insert(_ attempts: [InsertAttempt], of batch: CommandBatch) throws -> [InsertAttempt] {
        var busy: [InsertAttempt] = []
        var rest = attempts[...]
        while !rest.isEmpty {
            let part = fill(from: &rest, of: batch)
            if !part.isEmpty { busy += try decide(part, of: batch) }
        }
        return busy
    }

    /// Writes as many documents into the bulk as fit, and answers those that never will.
    private mutating func fill(from attempts: inout ArraySlice<InsertAttempt>, of batch: CommandBatch) -> [InsertAttempt] {
        bulk.removeAll()
        var part: [InsertAttempt] = []
        while let attempt = attempts.first, bulk.byteCount < Self.maxBytes {
            if append(attempt, of: batch) {
                part.append(attempt)
            } else if part.isEmpty {
                answerTooLarge(attempt, of: batch)
            } else {
                return part
            }
            attempts.removeFirst()
        }
        return part
    }

    /// - Returns: false when it does not fit.
    private mutating func append(_ attempt: InsertAttempt, of batch: CommandBatch) -> Bool {
        let origin = batch.items[attempt.item].origin
        let writer = context.writer
        return bulk.append { buffer in
            if attempt.isActive {
                writer.writeActive(attempt.outcome, from: origin, body: attempt.body, of: batch.memory, into: &buffer)
            } else {
                writer.writeRejected(attempt.outcome, from: origin, body: attempt.body, of: batch.memory, into: &buffer)
            }
        }
    }

    /// Sends the bulk, which holds `attempts`, and draws the conclusions.
    private mutating func decide(_ attempts: [InsertAttempt], of batch: CommandBatch) throws -> [InsertAttempt] {
        var attempts = attempts
        var busy: [InsertAttempt] = []
        var backoff = Backoff(initial: .milliseconds(20), cap: .seconds(5))
        while !attempts.isEmpty {
            guard let reply = try send(&attempts, of: batch) else { break }
            refusedAt = reply.refusals.isEmpty ? refusedAt : reply.operationTime ?? refusedAt
            var decisions = InsertDecisions()
            try decisions.sort(attempts, by: reply, context: context)
            if let (resource, refusal) = decisions.contradiction { contradictions.refused(resource, by: refusal) }
            settle(decisions, of: batch, at: reply.operationTime)
            busy += decisions.busy
            let vanished = try answerDoneBefore(decisions.doneBefore, of: batch, after: reply.operationTime)
            // The identical documents again: of commands that passed errors kept out, and of those whose earlier
            // document is gone meanwhile.
            attempts = decisions.again + vanished
            if !attempts.isEmpty {
                let error: (any Error)? = decisions.error ?? vanished.first.map { stored.hidden($0.outcome.id) }
                if let error { patience.failed(error) }
                try patience.wait(for: backoff.next(), batch)
                refill(&attempts, of: batch)
            }
        }
        return busy
    }

    /// Sends the identical documents until the server has said what became of them. A command that failed as a whole,
    /// or whose write concern was not met, may have been carried out or not: the same again, and never another resource
    /// in the meantime.
    ///
    /// - Returns: nil when all of them were let go of.
    private mutating func send(_ attempts: inout [InsertAttempt], of batch: CommandBatch) throws -> WriteReply? {
        try patience.untilAnswered(batch) {
            if expire(&attempts, of: batch) || attempts.contains(where: { batch.isDropped($0.item) }) { refill(&attempts, of: batch) }
            if attempts.isEmpty { return nil }
            let reply = try context.pool.withClient { client throws(MongoError) in
                try bulk.run(on: client, operation: "insert into \(context.settings.collection)")
            }
            if let error = reply.writeConcernError { throw error }
            return reply
        }
    }

    /// Commands whose time has passed while they waited are rejected instead.
    ///
    /// An earlier try may have arrived all the same, or may still do so. The rejection has the same `_id`, so one of
    /// the two documents is in for good and the other is refused, and what is stored is the answer.
    ///
    /// - Returns: whether there are any.
    private func expire(_ attempts: inout [InsertAttempt], of batch: CommandBatch) -> Bool {
        let now = WallClock.milliseconds()
        var isAny = false
        for index in attempts.indices where attempts[index].isActive {
            guard let expiry = batch.items[attempts[index].item].command.expiresAt, expiry < now else { continue }
            if attempts[index].isTaken, let resource = attempts[index].outcome.assigned {
                context.free.withLock { $0.giveBack(resource) }
            }
            attempts[index] = rejection(of: attempts[index]) { _ in context.sentences.expired(attempts[index].outcome.id, at: expiry) }
            attempts[index].outcome.at = now
            isAny = true
        }
        return isAny
    }

    /// Writes the bulk anew, without what was let go of.
    private mutating func refill(_ attempts: inout [InsertAttempt], of batch: CommandBatch) {
        attempts.removeAll { batch.isDropped($0.item) }
        bulk.removeAll()
        var fitting: [InsertAttempt] = []
        for attempt in attempts {
            // They fitted before; only a rejection with a longer sentence may not.
            if append(attempt, of: batch) { fitting.append(attempt) } else { answerTooLarge(attempt, of: batch) }
        }
        attempts = fitting
    }

    private func answerTooLarge(_ attempt: InsertAttempt, of batch: CommandBatch) {
        batch.answer(
            attempt.item,
            .invalid(
                id: attempt.outcome.id, code: "10334", message: "the document is larger than MongoDB takes",
                at: batch.time(of: attempt.item)))
    }

    /// Answers what is decided, and tells the hint.
    private func settle(_ decisions: borrowing InsertDecisions, of batch: CommandBatch, at time: BSONTimestamp?) {
        for attempt in decisions.done { batch.answer(attempt.item, .outcome(attempt.outcome)) }
        for (attempt, code, message) in decisions.never {
            batch.answer(attempt.item, .invalid(id: attempt.outcome.id, code: code, message: message, at: batch.time(of: attempt.item)))
        }
        guard context.resources != nil, let time else { return }
        context.free.withLock { free in
            for attempt in decisions.done + decisions.busy where attempt.isActive {
                if let resource = attempt.outcome.assigned { free.occupy(resource, asOf: time) }
            }
            for attempt in decisions.doneBefore + decisions.never.map(\.attempt) where attempt.isTaken {
                if let resource = attempt.outcome.assigned { free.giveBack(resource) }
            }
        }
    }

    /// Commands that have a document already get the answer that is stored with it.
    ///
    /// - Returns: those whose document was deleted between the refusal and the look.
    private func answerDoneBefore(_ attempts: [InsertAttempt], of batch: CommandBatch, after time: BSONTimestamp?) throws -> [InsertAttempt]
    {
        guard !attempts.isEmpty else { return [] }
        let ids = Set(attempts.map { ByteEqualString($0.outcome.id) }).map(\.text)
        let found = try patience.untilAnswered(batch) {
            try context.pool.withClient { client throws(MongoError) in try stored.find(ids, after: time, of: client) }
        }
        return attempts.filter { attempt in
            let id = attempt.outcome.id
            guard let answer = found[ByteEqualString(id)]?.answer(to: id, from: attempt.item, of: batch, in: context.settings.collection)
            else {
                return true
            }
            batch.answer(attempt.item, answer)
            return false
        }
    }
}
