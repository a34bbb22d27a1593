import Mongo

@testable import StreamBridge

extension BridgeReport {
    /// A bridge with one stream and one dispatcher of which everything is known.
    static func sample(obstacles: [Obstacle] = [], ailments: [Obstacle] = []) -> BridgeReport {
        let clock = ClusterClock()
        let stream = StreamStatus(stream: "inventory", logger: .silent, clock: clock)
        stream.leads()
        stream.read(events: 2, upTo: .sample(2), clusterTime: BSONTimestamp(seconds: 2, increment: 0))
        var counts = OperationCounts()
        counts.count(.insert, bytes: 100)
        counts.count(.invalidate, bytes: 10)
        stream.took(counts)
        stream.mongoFailed(MongoError(kind: .network, operation: "read", message: "broken"))
        stream.committed(records: 2, in: .milliseconds(5))
        stream.stored(.sample(2, events: 2))
        stream.compare(
            with: OplogWindow(
                oldest: BSONTimestamp(seconds: 1, increment: 0), newest: BSONTimestamp(seconds: 2, increment: 0), isWhole: true))
        let dispatcher = DispatchStatus(dispatcher: "shipments", logger: .silent)
        dispatcher.owns(partitions: 3)
        dispatcher.took(commands: 4)
        dispatcher.committed(in: .milliseconds(3))
        let outcome = Outcome(
            id: "c-1", status: .reassigned, requested: Resource(.int32(4)), assigned: Resource(.string("north-7")), attempts: 2,
            message: "Sent out.",
            at: 1_769_817_602_000)
        dispatcher.answered([.reassigned: 1], deadLetters: 1, newest: [outcome])
        let load: @Sendable () -> StreamLoad = { StreamLoad(events: 1, bytes: 50, limitBytes: 1000, unacknowledged: 7) }
        var streamSnapshot = stream.measuring(load) { stream.snapshot }
        streamSnapshot.documentSnapshot = .sample
        streamSnapshot.documentsPublished = 1200
        let dispatcherSnapshot = dispatcher.measuring({ DispatchLoad(lagRecords: 5, freeResources: 46) }) { dispatcher.snapshot }
        return BridgeReport(
            name: "lessons", lostLogLines: 3, startedAt: 1_769_817_600_000, at: .now, obstacles: obstacles, ailments: ailments,
            mongoDB: .init(silence: nil, lastingSilence: nil),
            kafka: .init(silence: "no broker", lastingSilence: "no broker"),
            deployment: Deployment(replicaSet: "rs0", isSharded: false, version: "6.0.5"),
            elections: 1, pools: [.init(name: "reading", clients: 1, limit: 20), .init(name: "writing", clients: 0, limit: 20)],
            streams: [(.sample(), streamSnapshot)], dispatchers: [(.sample(), dispatcherSnapshot)])
    }
}
