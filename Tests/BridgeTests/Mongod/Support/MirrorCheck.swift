import Mongo
import Testing

@testable import Runtime
@testable import StreamBridge

/// Writes deltas while a snapshot runs, and compares what a consumer makes of the records with the collection.
struct MirrorCheck {
    /// Of the collection, with `_id` from 0 on.
    let documents: Int32
    /// Not more than the mock cluster keeps of a partition.
    var maxWrites: Int32 = 5000
    var pause: Duration = .milliseconds(5)

    /// Deltas continue until `play` has ended; then everything is compared. Each document came once, or at least once
    /// where `isExact` is false.
    ///
    /// - Parameter play: has a bridge run when it returns, and returns how to end it.
    func run(
        on scene: Scene, partitions: Int32 = 1, isExact: Bool, sourceLocation: SourceLocation = #_sourceLocation,
        _ play: () throws -> (() throws -> Void)
    ) throws {
        let isOver = Monitor(false)
        let (documents, maxWrites, pause) = (documents, maxWrites, pause)
        let writer = LoopThread.start(name: "write") {
            var next: Int32 = 0
            while !isOver.wait(within: pause, until: { $0 }), next < maxWrites {
                next += 1
                // Of three documents two stay as they are.
                let id = Int32((Int64(next) * 7919) % Int64(documents)) / 3 * 3
                try? scene.update(.int32(id), ["$inc": ["quantity": 1], "$set": ["by": .int32(next)]])
            }
        }
        defer {
            isOver.update { $0 = true }
            writer.join()
        }
        let end = try play()
        isOver.update { $0 = true }
        writer.join()
        try scene.insert([["_id": "last"]])
        let records = try scene.follow(partitions: partitions).wait(for: "the last event") {
            $0.contains { $0.keyText == #"{"_id":"last"}"# }
        }
        try end()
        let all = partitions == 1 ? records : try scene.records(partitions: partitions)
        let mirror = try CollectionMirror(all)
        let contents = try scene.contents()
        let different = Set(mirror.documents.keys).union(contents.keys).filter { mirror.documents[$0] != contents[$0] }
        #expect(different.isEmpty, "\(different.sorted().prefix(3))", sourceLocation: sourceLocation)
        #expect(mirror.copies.count == Int(documents), sourceLocation: sourceLocation)
        if isExact {
            #expect(mirror.copies.values.allSatisfy { $0 == 1 }, sourceLocation: sourceLocation)
            #expect(mirror.stale == 0, "updates of documents that had them already", sourceLocation: sourceLocation)
        }
        let snapshot = try scene.snapshot()
        #expect(snapshot?.state == .done, sourceLocation: sourceLocation)
        #expect(snapshot?.documents ?? 0 >= Int64(documents), sourceLocation: sourceLocation)
    }
}
