import Mongo
import Testing

@testable import StreamBridge

/// A stream that matches little while others write much.
@Suite struct BusyServerMongodTests {
    @Test func positionsMoveThoughNothingMatches() async throws {
        try await Scene.playAlone { scene, _ in
            let bridge = try scene.bridge([scene.stream { $0.pipeline = #"[{"$match":{"fullDocument.n":-1}}]"# }])
            let positions = try scene.follow(scene.positionsTopic)
            try positions.wait(count: 1)
            var written: Int32 = 0
            func write(_ count: Int32) throws {
                for _ in 0..<count / 1000 {
                    try scene.insert((0..<1000).map { ["_id": .int32(written + $0), "n": .int32($0)] })
                    written += 1000
                }
            }
            try write(25_000)
            let middle = try #require(try scene.command(["ping": 1])["operationTime"]?.timestampValue)
            func isBeyond(_ time: BSONTimestamp, _ record: TestRecord) -> Bool {
                guard let value = record.value, let stored = try? StoredPosition(json: value).position.token.clusterTime else {
                    return false
                }
                return BSONTimestamp(seconds: stored.seconds, increment: stored.increment) >= time
            }
            try positions.wait(for: "a position beyond the first half") { $0.last.map { isBeyond(middle, $0) } ?? false }
            try write(25_000)
            let end = try #require(try scene.command(["ping": 1])["operationTime"]?.timestampValue)
            try positions.wait(for: "a position beyond the second half") { $0.last.map { isBeyond(end, $0) } ?? false }
            #expect(try bridge.status(of: "fruits").figures.operations.totalEvents == 0)

            try scene.insert([["_id": "needle", "n": -1]])
            try scene.follow().wait(count: 1)
            #expect(try bridge.stop().isEmpty)
            #expect(try scene.position()?.position.events == 1)
        }
    }

    @Test func aNeedleInAnOldHaystackIsFound() async throws {
        try await Scene.playAlone { scene, _ in
            for batch in 0..<Int32(20) { try scene.insert((0..<1000).map { ["_id": .int32(batch * 1000 + $0)] }, into: "noise") }
            try scene.insert([["_id": 1]])
            for batch in 20..<Int32(40) { try scene.insert((0..<1000).map { ["_id": .int32(batch * 1000 + $0)] }, into: "noise") }
            try scene.insert([["_id": 2]])
            let records = try scene.publish([scene.stream()], count: 2)
            #expect(records.count == 2)
        }
    }
}
