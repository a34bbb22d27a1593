import Mongo
import Testing

@testable import StreamBridge

/// Positions that no server can resume: refused, never skipped.
@Suite struct LostPositionsMongodTests {
    private static func expectLost(_ halts: [Halt], reason: String, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(halts.map(\.status) == [.lostPosition], "\(halts)", sourceLocation: sourceLocation)
        #expect(halts.first?.reason.contains(reason) == true, "\(halts)", sourceLocation: sourceLocation)
        #expect(halts.first?.remedy.isEmpty == false, sourceLocation: sourceLocation)
    }

    @Test func aPositionThatTheOplogHasForgottenHaltsWithTheMend() async throws {
        try await Scene.playAlone(arguments: TinyOplog.arguments) { scene, _ in
            try scene.insert([["_id": 1]])
            _ = try scene.publish([scene.stream()], count: 1)
            let stored = try #require(try scene.position()?.position.token.clusterTime)
            try TinyOplog.roll(beyond: stored, on: scene)
            let halts = try scene.bridge([scene.stream()]).halts()
            Self.expectLost(halts, reason: "server code 286")
            #expect(halts.first?.remedy.contains("replSetResizeOplog") == true)
            let reason = try #require(halts.first?.reason)
            #expect(reason.contains("The stored position is at cluster time \(stored.readable), token 82"), "\(reason)")
            let entry = try #require(
                reason.firstMatch(of: #/the oldest entry of the oplog is at (\d+)\.(\d+) \(\S+Z\), and what happened in the /#))
            let oldest = BSONTimestamp(seconds: try #require(UInt32(entry.1)), increment: try #require(UInt32(entry.2)))
            #expect(oldest > stored)
            #expect(halts.first?.remedy.contains("`startAt: {clusterTime: \"\(oldest)\"}`") == true)
            // The position stays as it was, for the operator to fix.
            #expect(try scene.position()?.position.token.clusterTime == stored)
        }
    }

    @Test(arguments: ["82", "00", "ABCDEF0123456789"])
    func aTokenThatIsNoneIsRefused(_ token: String) async throws {
        try await Scene.play { scene in
            let halts = try scene.bridge([scene.stream { $0.startAt = .token(token) }]).halts()
            #expect(halts.map(\.status) == [.lostPosition], "\(token): \(halts)")
        }
    }

    /// The beginning of a real token is none: somebody has cut it off.
    @Test func aTokenThatWasCutOffIsRefused() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]])
            let token = try scene.publish([scene.stream()], count: 1)[0].token
            for kept in [10, token.count / 2 & ~1, token.count - 10] {
                let cut = String(token.prefix(kept))
                let halts = try scene.bridge([scene.stream("cut\(kept)") { $0.startAt = .token(cut) }]).halts()
                #expect(halts.map(\.status) == [.lostPosition], "\(cut): \(halts)")
            }
        }
    }

    /// The server would accept it and wait in silence until that time comes.
    @Test func aPositionAheadOfTheDeploymentIsRefused() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]])
            let token = try scene.publish([scene.stream()], count: 1)[0].token
            // The same token a day later: the first eight digits after the type byte are the seconds.
            let seconds = try #require(UInt32(token.dropFirst(2).prefix(8), radix: 16)) + 86_400
            let later = "82" + String(seconds, radix: 16, uppercase: true) + token.dropFirst(10)
            try scene.store(StreamPosition(token: ResumeToken(data: later), wallTime: nil, events: 1))
            let halts = try scene.bridge([scene.stream()]).halts()
            Self.expectLost(halts, reason: "ahead of the deployment")
        }
    }

    @Test func aTokenOfAnotherClusterIsRefused() async throws {
        try await Scene.playAlone { other, _ in
            try other.insert([["_id": 1]])
            let foreign = try other.publish([other.stream()], count: 1)[0].token
            let scene = try Scene(uri: SharedMongod.server.get().uri)
            try scene.insert([["_id": 1]])
            let halts = try scene.bridge([scene.stream { $0.startAt = .token(foreign) }]).halts()
            #expect(halts.map(\.status) == [.lostPosition], "\(halts)")
        }
    }

    @Test func anOplogThatBeginsWithTheSetKeepsAllOfItsHistory() async throws {
        // The shared server's oplog may have begun to forget.
        try await Scene.playAlone { scene, _ in
            try scene.insert([["_id": 1]])
            // Long before the set was initiated: nothing is missing, so nothing is refused.
            let records = try scene.publish([scene.stream { $0.startAt = .time(seconds: 1_500_000_000) }], count: 1)
            #expect(records.count == 1)
        }
    }

    @Test func aPipelineThatHidesTheEventOfThePositionIsRefused() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1, "n": 1], ["_id": 2, "n": 2]])
            let token = try scene.publish([scene.stream()], count: 2)[0].token
            let stream = scene.stream("other") {
                $0.startAt = .token(token)
                $0.pipeline = #"[{"$match":{"fullDocument.n":{"$gt":1}}}]"#
            }
            let halts = try scene.bridge([stream]).halts()
            Self.expectLost(halts, reason: "server code 280")
            #expect(halts.first?.remedy.contains("the pipeline hides its event") == true)
        }
    }

    /// The server looks for the event of a token when the next event comes. Until then the position of a quiet stream
    /// moves on.
    @Test func aRefusalThatComesLateLosesNothing() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1, "n": 1]])
            let token = try scene.publish([scene.stream()], count: 1)[0].token
            // What was stored at the stop may have moved on already.
            try scene.store(StreamPosition(token: ResumeToken(data: token), wallTime: nil, events: 1))
            let changed = scene.stream { $0.pipeline = #"[{"$match":{"fullDocument.n":{"$gt":1}}}]"# }
            let bridge = try scene.bridge([changed])
            try scene.insert([[:]], into: "noise")
            try scene.follow(scene.positionsTopic).wait(for: "a position that moved on with the time") {
                let positions = $0.compactMap { $0.value.flatMap { try? StoredPosition(json: $0) } }
                // What the test itself stored was written at no time.
                guard let stored = positions.lastIndex(where: { $0.writtenAt == 0 }) else { return false }
                return positions[stored...].dropFirst().last?.position.token.isHighWaterMark == true
            }
            try scene.insert([["_id": 2, "n": 2]])
            let halts = try bridge.halts()
            Self.expectLost(halts, reason: "server code 280")
            #expect(scene.log.lines(containing: "the stream's pipeline changed since its position was stored").count == 1)

            let records = try scene.publish([changed], count: 2)
            #expect(records.map(\.keyText) == [#"{"_id":{"$numberInt":"1"}}"#, #"{"_id":{"$numberInt":"2"}}"#])
        }
    }
}
