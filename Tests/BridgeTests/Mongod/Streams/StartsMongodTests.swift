import Mongo
import Testing

@testable import StreamBridge

/// Where a stream without a stored position begins.
@Suite struct StartsMongodTests {
    private static func keys(_ records: [TestRecord]) -> [String] { records.map { $0.keyText ?? "" } }

    private static func key(_ id: Int) -> String { #"{"_id":{"$numberInt":"\#(id)"}}"# }

    @Test func nowLeavesOutWhatWasBefore() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]])
            let bridge = try scene.bridge([scene.stream { $0.startAt = .now }])
            // The first position is stored as soon as the stream is open.
            try scene.follow(scene.positionsTopic).wait(count: 1)
            try scene.insert([["_id": 2]])
            try scene.follow().wait(count: 1)
            #expect(try bridge.stop().isEmpty)
            #expect(Self.keys(try scene.records()) == [Self.key(2)])
        }
    }

    @Test func nowIsTheMomentOfTheFirstStart() async throws {
        try await Scene.play { scene in
            let bridge = try scene.bridge([scene.stream { $0.startAt = .now }])
            try scene.follow(scene.positionsTopic).wait(count: 1)
            #expect(try bridge.stop().isEmpty)
            // Not one event was published; the position counts all the same.
            try scene.insert([["_id": 1]])
            let records = try scene.publish([scene.stream { $0.startAt = .now }], count: 1)
            #expect(Self.keys(records) == [Self.key(1)])
        }
    }

    @Test func oldestIsTheWholeOplog() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1], ["_id": 2]])
            let records = try scene.publish([scene.stream { $0.startAt = .oldest }], count: 2)
            #expect(Self.keys(records) == [Self.key(1), Self.key(2)])
        }
    }

    /// A full server cuts its oplog between the question for the oldest entry and the opening there.
    @Test func anOldestEntryThatIsCutOffMeanwhileIsAskedForAgain() async throws {
        try await Scene.playAlone(arguments: FailPoint.arguments) { scene, _ in
            try scene.insert([["_id": 1]])
            try FailPoint.fail(["aggregate"], times: 4, with: ["errorCode": 286], on: scene)
            let records = try scene.publish([scene.stream { $0.startAt = .oldest }], count: 1)
            #expect(Self.keys(records) == [Self.key(1)])
            #expect(scene.log.lines(containing: "asking again for the oldest entry").count == 4)
            #expect(try FailPoint.end(on: scene) == 4)
        }
    }

    @Test func anOldestEntryThatIsCutOffEachTimeHalts() async throws {
        try await Scene.playAlone(arguments: FailPoint.arguments) { scene, _ in
            try FailPoint.fail(["aggregate"], times: nil, with: ["errorCode": 286], on: scene)
            let halts = try scene.bridge([scene.stream { $0.startAt = .oldest }]).halts()
            #expect(halts.map(\.status) == [.lostPosition])
            #expect(try FailPoint.end(on: scene) == 5)
            #expect(try scene.records(scene.positionsTopic).isEmpty)
        }
    }

    @Test func aTimeIsTheFirstEventOfItsSecond() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]])
            let first = try #require(try scene.events()[0]["clusterTime"]?.timestampValue)
            let records = try scene.publish([scene.stream { $0.startAt = .time(seconds: first.seconds) }], count: 1)
            #expect(Self.keys(records) == [Self.key(1)])
        }
    }

    @Test func aClusterTimeIncludesItsEvent() async throws {
        try await Scene.play { scene in
            for id in 1...3 { try scene.insert([["_id": .int32(Int32(id))]]) }
            let second = try #require(try scene.events()[1]["clusterTime"]?.timestampValue)
            let stream = scene.stream { $0.startAt = .clusterTime(seconds: second.seconds, increment: second.increment) }
            #expect(Self.keys(try scene.publish([stream], count: 2)) == [Self.key(2), Self.key(3)])
        }
    }

    @Test func aTokenFromARecordsHeaderGoesOnAfterItsEvent() async throws {
        try await Scene.play { scene in
            for id in 1...3 { try scene.insert([["_id": .int32(Int32(id))]]) }
            let all = try scene.publish([scene.stream()], count: 3)
            let again = scene.stream("again") { $0.startAt = .token(all[1].token) }
            #expect(Self.keys(try scene.publish([again], count: 1)) == [Self.key(3)])
        }
    }

    /// The server would accept it and wait in silence until that time comes; and a position that was stored there would
    /// hold the stream even after the configuration is corrected.
    @Test(arguments: [
        StartPoint.time(seconds: 2_906_409_600), .clusterTime(seconds: 2_906_409_600, increment: 1),
        .token("82\(String(2_906_409_600, radix: 16, uppercase: true))000000012B0429296E1404"),
    ])
    func aStartAheadOfTheDeploymentHaltsAndStoresNothing(_ start: StartPoint) async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]])
            let stream = scene.stream { $0.startAt = start }
            let halts = try scene.bridge([stream]).halts()
            #expect(halts.map(\.status) == [.configuration])
            let reason = try #require(halts.first?.reason)
            #expect(reason.hasPrefix("startAt, \(start), is ahead of the deployment"), "\(reason)")
            let finding = try #require(try scene.configuration([stream]).check().first { $0.subject == "stream fruits" })
            #expect(finding.level == .error)
            #expect(finding.text.prefix(60) == reason.prefix(60), "\(finding)")
            #expect(try scene.records(scene.positionsTopic).isEmpty)
            // With the place corrected nothing is in the way.
            #expect(Self.keys(try scene.publish([scene.stream()], count: 1)) == [Self.key(1)])
        }
    }
}
