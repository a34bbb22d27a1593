import Logging
import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

/// Streams that continue past a lost position because the configuration says so: with a gap record, and never in
/// silence.
@Suite struct GapsMongodTests {
    private struct Chosen: Sendable {
        let name: String
        let delivery: Delivery
        let policy: LostPositionPolicy
    }

    private static let all: [Chosen] = [Delivery.atLeastOnce, .exactlyOnce].flatMap { delivery in
        [LostPositionPolicy.oldest, .now].map { Chosen(name: "\(delivery.rawValue)-\($0.rawValue)", delivery: delivery, policy: $0) }
    }

    private static func gaps(of scene: Scene) throws -> [TestRecord] { try scene.records("bridge.\(scene.name).gaps") }

    /// The token of a time, as the server gives it.
    private static func mark(_ seconds: UInt32) -> ResumeToken {
        ResumeToken(data: "82" + String(seconds, radix: 16, uppercase: true) + "00000001" + "2B0229296E04")
    }

    @Test func aForgottenPositionIsGonePastWithOneRecordEach() async throws {
        try await Scene.playAlone(arguments: TinyOplog.arguments) { scene, _ in
            try scene.kafka.create(topic: "bridge.\(scene.name).gaps")
            let streams = Self.all.map { chosen in
                scene.stream(chosen.name) {
                    $0.delivery = chosen.delivery
                    $0.onLostPosition = chosen.policy
                }
            }
            func run(_ body: () throws -> Void) throws {
                let bridge = try scene.bridge(streams)
                _ = try bridge.streams()
                try body()
                #expect(try bridge.stop().isEmpty)
            }
            func wait(_ count: (LostPositionPolicy) -> Int) throws {
                for chosen in Self.all { try scene.follow(scene.topic(chosen.name)).wait(count: count(chosen.policy)) }
            }
            try scene.insert([["_id": 1]])
            try run { try wait { _ in 1 } }
            let lost = try Self.all.map { try #require(try scene.position(of: $0.name)?.position) }
            let newest = try #require(lost.compactMap(\.token.clusterTime).max())
            try TinyOplog.roll(beyond: newest, on: scene)
            let oldest = try Deployment(of: scene.pool).oplogWindow(pool: scene.pool).oldest
            try scene.insert([["_id": 2]])

            try run {
                try scene.log.wait(for: "went on past a lost position", count: Self.all.count)
                try scene.insert([["_id": 3]])
                try wait { $0 == .oldest ? 3 : 2 }
            }
            let gaps = try Self.gaps(of: scene)
            #expect(gaps.count == Self.all.count)
            for (chosen, lost) in zip(Self.all, lost) {
                // What lies before the place is missing, what lies behind it is not.
                let keys = try scene.records(scene.topic(chosen.name)).map(\.keyText)
                #expect(
                    keys == (chosen.policy == .oldest ? [1, 2, 3] : [1, 3]).map { "{\"_id\":{\"$numberInt\":\"\($0)\"}}" }, "\(chosen.name)"
                )
                let record = try #require(gaps.first { $0.keyText == chosen.name })
                let gap = try record.document()
                #expect(gap.keys == ["stream", "from", "to", "reason", "code", "at"])
                #expect(gap["stream"] == .string(chosen.name))
                #expect(gap["code"] == 286)
                #expect(gap["reason"]?.stringValue?.contains("(server code 286)") == true)
                #expect(
                    gap["from"]
                        == ["token": .document(lost.token.document), "clusterTime": .string("\(try #require(lost.token.clusterTime))")])
                let to = try #require(gap["to"]?.documentValue)
                let place = ResumeToken(document: try #require(to["token"]?.documentValue))
                #expect(to["clusterTime"] == .string("\(try #require(place.clusterTime))"))
                if chosen.policy == .oldest { #expect(try #require(place.clusterTime) >= oldest) }
                // The place was stored, with the count going on.
                let stored = try scene.records(scene.positionsTopic).filter { $0.keyText == chosen.name }
                    .compactMap { try $0.value.map { try StoredPosition(json: $0).position } }
                #expect(stored.contains { $0.token == place && $0.events == 1 })
                #expect(stored.last?.events == (chosen.policy == .oldest ? 3 : 2))
            }
            let lines = scene.log.lines(containing: "went on past a lost position")
            #expect(lines.map(\.level) == Array(repeating: .error, count: 4))
            #expect(lines.allSatisfy { $0.message.contains("topic bridge.\(scene.name).gaps") })

            // What was gone past once is not gone past again.
            try run {
                try scene.insert([["_id": 4]])
                try wait { $0 == .oldest ? 4 : 3 }
            }
            #expect(try Self.gaps(of: scene).count == Self.all.count)
        }
    }

    @Test func aTokenOfAnotherClusterGoesOnAtItsTime() async throws {
        try await Scene.playAlone { other, _ in
            let scene = try Scene(uri: SharedMongod.server.get().uri)
            try scene.kafka.create(topic: "bridge.\(scene.name).gaps")
            try scene.insert([["_id": 1]])
            // The seconds of both are over, one after the other, so that the other one's position lies between the two
            // writes here.
            func now(_ scene: Scene) throws -> UInt32 { try #require(scene.command(["ping": 1])["operationTime"]?.timestampValue).seconds }
            let first = try now(scene)
            while try now(other) <= first { try other.insert([[:]], into: "noise") }
            try other.insert([["_id": 1]])
            let foreign = try other.publish([other.stream()], count: 1)[0].token
            let time = try #require(ResumeToken(data: foreign).clusterTime)
            while try now(scene) <= time.seconds { try scene.insert([[:]], into: "noise") }
            try scene.store(StreamPosition(token: ResumeToken(data: foreign), wallTime: nil, events: 5))
            try scene.insert([["_id": 2]])
            let bridge = try scene.bridge([scene.stream { $0.onLostPosition = .oldest }])
            try scene.follow().wait(count: 1)
            #expect(try bridge.stop().isEmpty)
            // Nothing that this oplog has behind the position is missed, and nothing before it comes again.
            #expect(try scene.records().map(\.keyText) == [#"{"_id":{"$numberInt":"2"}}"#])
            let gap = try #require(try Self.gaps(of: scene).first).document()
            #expect(gap["code"] == 280)
            #expect(gap["from"]?.documentValue?["clusterTime"] == .string("\(time)"))
            #expect(gap["to"]?.documentValue?["clusterTime"] == .string("\(time)"))
            #expect(try scene.position()?.position.events == 6)
        }
    }

    /// What was open at the lost position continues nowhere: the gap's position is no place amid a transaction.
    @Test func aPositionAmidATransactionIsGonePastLikeAnother() async throws {
        try await Scene.play { scene in
            try scene.kafka.create(topic: "bridge.\(scene.name).gaps")
            try scene.insert([["_id": 1, "n": 1], ["_id": 2, "n": 2]])
            let token = ResumeToken(
                data: try #require(try scene.events().first?["_id"]?.documentValue?["_data"]?.stringValue))
            let id = TransactionID(session: (1, 2), number: 3, clusterTime: try #require(token.clusterTime))
            try scene.store(
                StreamPosition(token: token, wallTime: nil, events: 1, transaction: TransactionPlace(id: id, index: 4)))
            let stream = scene.stream {
                $0.delivery = .exactlyOnce
                $0.onLostPosition = .oldest
                // It hides the position's event, so the server refuses the token.
                $0.pipeline = #"[{"$match":{"fullDocument.n":{"$gt":1}}}]"#
            }
            let bridge = try scene.bridge([stream])
            try scene.follow().wait(count: 1)
            #expect(try bridge.stop().isEmpty)
            #expect(try scene.records().map(\.keyText) == [#"{"_id":{"$numberInt":"2"}}"#])
            #expect(try Self.gaps(of: scene).count == 1)
            #expect(try scene.position()?.position.transaction == nil)
        }
    }

    @Test(arguments: [LostPositionPolicy.oldest, .now], [Delivery.atLeastOnce, .exactlyOnce])
    func aPositionOfTheFutureGoesBack(_ policy: LostPositionPolicy, _ delivery: Delivery) async throws {
        try await Scene.play { scene in
            try scene.kafka.create(topic: "bridge.\(scene.name).gaps")
            try scene.insert([["_id": 1]])
            let later = Self.mark(scene.beginning.seconds + 86_400)
            try scene.store(StreamPosition(token: later, wallTime: nil, events: 5))
            let bridge = try scene.bridge([
                scene.stream {
                    $0.onLostPosition = policy
                    $0.delivery = delivery
                }
            ])
            try scene.log.wait(for: "went on past a lost position")
            try scene.insert([["_id": 2]])
            try scene.follow().wait(count: policy == .oldest ? 2 : 1)
            #expect(try bridge.status(of: "fruits").gaps == 1)
            #expect(try bridge.stop().isEmpty)
            #expect(try scene.records().last?.keyText == #"{"_id":{"$numberInt":"2"}}"#)
            let gap = try #require(try Self.gaps(of: scene).first).document()
            #expect(gap["code"] == 260)
            #expect(gap["reason"]?.stringValue?.contains("is ahead of the deployment") == true)
            #expect(try #require(try scene.position()?.position.token.clusterTime) < #require(later.clusterTime))
            #expect(try Self.gaps(of: scene).count == 1)
        }
    }

    @Test func aPositionThatIsNoTokenIsGonePast() async throws {
        try await Scene.play { scene in
            try scene.kafka.create(topic: "bridge.\(scene.name).gaps")
            try scene.insert([["_id": 1]])
            try scene.store(StreamPosition(token: ResumeToken(data: "ABCDEF0123456789"), wallTime: nil, events: 5))
            let records = try scene.publish([scene.stream { $0.onLostPosition = .oldest }], count: 1)
            #expect(records.map(\.keyText) == [#"{"_id":{"$numberInt":"1"}}"#])
            let gap = try #require(try Self.gaps(of: scene).first).document()
            #expect(gap["from"] == ["token": ["_data": "ABCDEF0123456789"], "clusterTime": .null])
        }
    }

    /// It is not the position that is lost, so nothing is gone past: the next event would be refused, and the next.
    @Test(arguments: [LostPositionPolicy.oldest, .now])
    func aPipelineThatBreaksTokensIsNoReasonForAGap(_ policy: LostPositionPolicy) async throws {
        try await Scene.play { scene in
            try scene.kafka.create(topic: "bridge.\(scene.name).gaps")
            try scene.insert([["_id": 1]])
            let stream = scene.stream {
                $0.pipeline = #"[{"$replaceWith":{"$mergeObjects":["$$ROOT",{"_id":1}]}}]"#
                $0.onLostPosition = policy
            }
            for _ in 0..<2 { #expect(try scene.bridge([stream]).halts().map(\.status) == [.configuration]) }
            #expect(try Self.gaps(of: scene).isEmpty)
        }
    }

    @Test func aGapThatCannotBeRecordedIsNotSkipped() async throws {
        try await Scene.play { scene in
            let later = Self.mark(scene.beginning.seconds + 86_400)
            try scene.store(StreamPosition(token: later, wallTime: nil, events: 5))
            scene.kafka.hide(topic: "bridge.\(scene.name).gaps")
            let halts = try scene.bridge([scene.stream { $0.onLostPosition = .now }]) { $0.topics.create = false }.halts()
            #expect(halts.map(\.reason) == ["topic bridge.\(scene.name).gaps does not exist, and topics.create is false"])
            #expect(halts.first?.remedy.contains("--partitions 1 --config cleanup.policy=delete --config retention.ms=-1") == true)
            #expect(try scene.position()?.position.token == later)
        }
    }
}
