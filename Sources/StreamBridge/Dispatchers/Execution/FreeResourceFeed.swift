import Logging
import Mongo
import Runtime
import Synchronization

/// Keeps the hint of free resources fresh: filled once, then by a change stream on the documents and the pool, which
/// tells what others did.
///
/// Only a hint rests on it, so its troubles are told and change nothing else: without it conflicts ask the server when
/// the hint is empty.
final class FreeResourceFeed: Sendable {
    private let context: DispatchContext
    private let resources: ResourcePool
    /// Clients with patience for a getMore that scans for long.
    private let pool: MongoClientPool
    private let instance: String
    private let session: SessionEnd
    private let logger: Logger
    private let state = Mutex(State())

    private struct State {
        var isFilled = false
        var failure: (any Error)?
        var isTold = false
    }

    init(
        context: DispatchContext, resources: ResourcePool, pool: MongoClientPool, instance: String, session: SessionEnd, logger: Logger
    ) {
        self.context = context
        self.resources = resources
        self.pool = pool
        self.instance = instance
        self.session = session
        self.logger = logger
    }

    /// Fills and follows until a stop or the session's end. Blocks; on a thread of its own.
    func run() {
        var backoff = Backoff()
        while !isAbandoned {
            if isView() {
                return logger.notice(
                    "\(resources.pool) is a view, whose changes no change stream tells: free resources are looked up when they are needed")
            }
            state.withLock {
                if $0.isFilled { backoff.reset() }
                $0.isFilled = false
                $0.failure = nil
            }
            let reader = ChangeStreamReader(
                pool: pool, options: options, handoff: self, batchBytes: 256 << 10, status: self, stop: context.stop)
            reader.run(from: .now)
            context.free.withLock { $0.clear() }
            guard !isAbandoned else { return }
            let failure = state.withLock { state -> (any Error)? in
                guard !state.isTold, let failure = state.failure else { return nil }
                state.isTold = true
                return failure
            }
            if let failure {
                logger.warning(
                    "free resources are looked up when they are needed, because they cannot be followed: \(failure)",
                    metadata: [
                        "remedy":
                            "\(PrivilegeNeed.remedy(granting: PrivilegeNeed.list([PrivilegeNeeds.feed(of: context.settings, from: resources.pool)])))"
                    ])
            }
            if context.stop.wait(for: backoff.next()) { return }
        }
    }

    /// A view has no events of its own, and what was read of it once would be taken for true for good.
    private func isView() -> Bool {
        do {
            try pool.withClient { client throws(MongoError) in
                let options = ChangeStreamOptions(
                    scope: .collection(database: resources.pool.database, collection: resources.pool.collection))
                try ChangeStream(options, start: .now, of: client).close(of: client)
            }
            return false
        } catch {
            return error.code == .commandNotSupportedOnView
        }
    }

    /// The documents of other writers, the ends of documents, and the comings and goings in the pool.
    ///
    /// The server looks at every write of this dispatcher, too, so the filter is written in comparisons, which it
    /// applies to the oplog's entries as they are. With `$ne` it would make an event of each entry first, at more than
    /// twice the cost.
    private var options: ChangeStreamOptions {
        let collection = context.settings.collection
        let pool = resources.pool
        let isOneDatabase = collection.database == pool.database
        func condition(_ namespace: Namespace, _ operations: [BSONValue], _ more: (String, BSONValue)...) -> BSONValue {
            let database: [(String, BSONValue)] = isOneDatabase ? [] : [("ns.db", .string(namespace.database))]
            return .document(
                BSONDocument(
                    fields: [("operationType", ["$in": .array(operations)]), ("ns.coll", .string(namespace.collection))] + database + more))
        }
        func isNotMine(_ path: String) -> BSONValue {
            [[path: ["$lt": .string(instance)]], [path: ["$gt": .string(instance)]], [path: .null]]
        }
        let conditions: [BSONValue] = [
            condition(collection, ["insert"], ("$or", isNotMine("fullDocument.writer"))),
            condition(collection, ["update"], ("$or", isNotMine("updateDescription.updatedFields.completed_writer"))),
            condition(collection, ["replace"]),
            condition(pool, ["insert", "delete"]),
            // A collection may go as a whole, and another one may take its name (`$out` does both at once).
            condition(collection, Self.upheavals), condition(pool, Self.upheavals),
            ["operationType": "rename", "to.coll": ["$in": [.string(collection.collection), .string(pool.collection)]]],
            ["operationType": ["$in": ["dropDatabase", "invalidate"]]],
        ]
        let field = context.guardIndex.field
        return ChangeStreamOptions(
            scope: isOneDatabase ? .database(pool.database) : .cluster,
            pipeline: [
                ["$match": ["$or": .array(conditions)]],
                [
                    "$project": .document([
                        "operationType": 1, "ns": 1, "to": 1, "documentKey": 1, "clusterTime": 1, "fullDocument.status": 1,
                        "fullDocument.\(field)": 1, "fullDocument.outcome.assigned": 1, "updateDescription.updatedFields.status": 1,
                    ])
                ],
            ],
            fullDocument: "updateLookup")
    }

    private static let upheavals: [BSONValue] = ["drop", "rename"]

    private func fill(asOf time: BSONTimestamp?) throws(MongoError) {
        let members = try pool.withClient { client throws(MongoError) in try resources.members(after: time, of: client) }
        context.free.withLock { free in
            free.fill(
                pool: members.map(\.resource), busy: Set(members.lazy.filter(\.isBusy).map(\.resource)),
                asOf: time ?? BSONTimestamp(seconds: 0, increment: 0))
        }
        logger.debug("\(members.count) resources in \(resources.pool), \(context.free.withLock { $0.count }) of them free")
    }

    /// - Returns: false when a collection went or came as a whole: nothing of what was known counts any more.
    private func apply(_ batch: ChangeStreamBatch) throws -> Bool {
        var isContinued = true
        try batch.withEvents { bytes, events in
            var events = events
            while let element = try events.next(in: bytes) {
                let event = try BSONDocument(copying: bytes, in: element.value)
                if isUpheaval(event) { isContinued = false }
                context.free.withLock { free in apply(event, to: &free) }
            }
        }
        return isContinued
    }

    /// Whether an event is about the pool or the collection as a whole, or about all of a database.
    private func isUpheaval(_ event: BSONDocument) -> Bool {
        func names(_ namespace: BSONDocument?) -> Bool {
            [context.settings.collection, resources.pool].contains {
                namespace?["db"]?.stringValue == $0.database && namespace?["coll"]?.stringValue == $0.collection
            }
        }
        switch event["operationType"]?.stringValue {
        case "drop": return names(event["ns"]?.documentValue)
        case "rename": return names(event["ns"]?.documentValue) || names(event["to"]?.documentValue)
        case "dropDatabase", "invalidate": return true
        default: return false
        }
    }

    private func apply(_ event: BSONDocument, to free: inout FreeResources) {
        guard let time = event["clusterTime"]?.timestampValue, let operation = event["operationType"]?.stringValue else { return }
        let namespace = event["ns"]?.documentValue
        if namespace?["coll"]?.stringValue == resources.pool.collection, namespace?["db"]?.stringValue == resources.pool.database {
            guard ["insert", "delete"].contains(operation), let id = event["documentKey"]?.documentValue?["_id"].map({ Resource($0) })
            else { return }
            if operation == "delete" { free.withdraw(id) } else { free.add(id, asOf: time) }
            return
        }
        guard let document = event["fullDocument"]?.documentValue else { return }
        // A change of something else says nothing of the resource, which may be another's by now.
        if operation == "update", event["updateDescription"]?.documentValue?["updatedFields"]?.documentValue?["status"] == nil { return }
        let held = document[context.guardIndex.field].map { Resource($0) }
        if document["status"]?.stringValue == "active" || (context.guardIndex.kind == .plain && operation == "insert") {
            if let held { free.occupy(held, asOf: time) }
        } else if let resource = document["outcome"]?.documentValue?["assigned"].map({ Resource($0) }) ?? held {
            free.release(resource, asOf: time)
        }
    }
}

extension FreeResourceFeed: ChangeStreamSink {
    func awaitRoom() -> Bool { !isAbandoned }

    func put(_ batch: ChangeStreamReader.Batch) -> Bool {
        guard !isAbandoned else { return false }
        do {
            if let events = batch.events {
                guard try apply(events) else {
                    // The stream is opened anew, and what is there then is read.
                    logger.info("\(resources.pool) or \(context.settings.collection) was dropped, renamed or replaced, and is read again")
                    return false
                }
            } else if !state.withLock({ $0.isFilled }) {
                // The stream is open: whatever happens from here on will come through it.
                // The position is a tick ahead of the newest time that the server knows.
                try fill(asOf: batch.token?.clusterTime.map { BSONTimestamp(seconds: $0.seconds, increment: max($0.increment, 1) - 1) })
                state.withLock {
                    $0.isFilled = true
                    $0.isTold = false
                }
            }
            return true
        } catch {
            fail(error)
            return false
        }
    }

    func fail(_ error: any Error) { state.withLock { $0.failure = error } }

    var isAbandoned: Bool { context.stop.isRequested || session.isOver }

    var isEmpty: Bool { true }
}

extension FreeResourceFeed: ChangeStreamObserver {
    func read(events: Int, upTo token: ResumeToken, clusterTime: BSONTimestamp?) {}
    func mongoFailed(_ error: any Error) {}
    func searching(since start: ContinuousClock.Instant) {}
}
