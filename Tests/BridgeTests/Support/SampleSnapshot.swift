import Mongo

@testable import StreamBridge

extension SnapshotRecord {
    /// One of two collections, in the middle of the second one, with everything that a record can have.
    static func sample(after: BSONValue = .int32(17), _ change: (inout SnapshotRecord) -> Void = { _ in }) -> SnapshotRecord {
        var done = Part(Namespace(database: "lessons", collection: "inventory"), filter: #"{"quantity":{"$gt":0}}"#)
        done.state = .done
        done.documents = 1000
        done.estimated = 1000
        var running = Part(Namespace(database: "lessons", collection: "trucks"))
        running.state = .running
        running.documents = 200
        running.estimated = 400
        running.uuid = [0, 1, 0xab, 255]
        running.after = DocumentID(after)
        var record = SnapshotRecord(
            id: "20260131T000000-a3f1", stream: "inventory", by: "ann@desk", why: "consumer lost its state", topic: "again", filter: "{}",
            parts: [done, running], startedAt: 1_769_817_600_000)
        change(&record)
        return record
    }
}

extension SnapshotFigures {
    /// Of ``SnapshotRecord/sample(after:_:)``.
    static var sample: SnapshotFigures { SnapshotFigures(.sample { $0.reason = nil }) }
}
