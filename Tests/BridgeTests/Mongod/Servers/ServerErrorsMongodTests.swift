import Logging
import Mongo
import Testing

@testable import StreamBridge

/// Every kind of error that a server answers with, given by a real one that a fail point makes fail: what passes is
/// gone through without a loss, and what does not pass halts with its sentence and the position as it was.
@Suite struct ServerErrorsMongodTests {
    private static func expectAll(_ count: Int, on scene: Scene, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let expected = try scene.events().compactMap { $0["_id"]?.documentValue?["_data"]?.stringValue }
        #expect(expected.count == count, sourceLocation: sourceLocation)
        #expect(try scene.records().map(\.token) == expected, sourceLocation: sourceLocation)
    }

    /// The getMore fails, and then the command that opens the stream again: a driver's own rules would know the first
    /// case only.
    @Test func whatPassesIsReadAgainAndNothingIsLost() async throws {
        try await Scene.playAlone(arguments: FailPoint.arguments) { scene, _ in
            let bridge = try scene.bridge([scene.stream()])
            let follower = try scene.follow()
            try scene.insert([["_id": 0]])
            try follower.wait(count: 1)
            let failures: [BSONDocument] =
                [["closeConnection": true]]
                + ([43, 50, 91, 112, 189, 237, 391, 11600] as [Int32]).map { ["errorCode": .int32($0)] }
            for (number, failure) in failures.enumerated() {
                try FailPoint.fail(["getMore", "aggregate"], times: 2, with: failure, on: scene)
                try scene.insert([["_id": .int32(Int32(number) + 1)]])
                try follower.wait(count: number + 2)
                // The event may have come with the answer that was on its way.
                try scene.command(
                    ["waitForFailPoint": "failCommand", "timesEntered": 2, "maxTimeMS": 60_000], on: "admin")
            }
            #expect(try bridge.stop().isEmpty)
            try Self.expectAll(failures.count + 1, on: scene)
            #expect(scene.log.lines(containing: "halted").isEmpty)
        }
    }

    @Test func whatDoesNotPassHaltsWithItsSentenceAndThePositionStays() async throws {
        try await Scene.playAlone(arguments: FailPoint.arguments) { scene, _ in
            try scene.insert([["_id": 0]])
            _ = try scene.publish([scene.stream()], count: 1)
            let stored = try #require(try scene.position()?.position)
            try scene.insert([["_id": 1]])
            let cases: [(code: Int32, status: ExitStatus, remedy: String)] = [
                (286, .lostPosition, "`onLostPosition: oldest`"), (136, .lostPosition, "`onLostPosition: oldest`"),
                (280, .lostPosition, "the pipeline hides its event or changes its _id"),
                (260, .lostPosition, "the pipeline hides its event or changes its _id"),
                (50811, .lostPosition, "This is no resume token of MongoDB"),
                (10334, .configuration, "An event is larger than 16 MB"), (47, .configuration, "changeStreamPreAndPostImages"),
                (13, .configuration, "Grant the account changeStream, find"), (40573, .configuration, "--replSet"),
                (148, .configuration, "majority read concern"), (376, .configuration, "Enable change streams"),
                (40324, .configuration, "pipeline and options"), (8000, .configuration, "look it up"),
            ]
            for expected in cases {
                try FailPoint.fail(["getMore", "aggregate"], times: nil, with: ["errorCode": .int32(expected.code)], on: scene)
                let halts = try scene.bridge([scene.stream()]).halts()
                try FailPoint.end(on: scene)
                #expect(halts.map(\.status) == [expected.status], "\(expected.code): \(halts)")
                #expect(halts.first?.reason.contains("(server code \(expected.code))") == true, "\(halts)")
                #expect(halts.first?.remedy.contains(expected.remedy) == true, "\(halts)")
            }
            #expect(try scene.position()?.position == stored)
            #expect(try scene.records().count == 1)
            // Mended, it continues with the event that nobody could read.
            _ = try scene.publish([scene.stream()], count: 2)
            try Self.expectAll(2, on: scene)
        }
    }

    /// A changed pipeline is noticed at the start; refused, it is named as the likely cause, by the bridge and by its
    /// check.
    @Test func aChangedPipelineThatHidesThePositionIsNamedAsTheCause() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1, "n": 1]])
            let token = try scene.publish([scene.stream()], count: 1)[0].token
            // What was stored at the stop may have moved on already: to a time, which no pipeline hides.
            try scene.store(StreamPosition(token: ResumeToken(data: token), wallTime: nil, events: 1))
            try scene.insert([["_id": 2, "n": 2]])
            let changed = scene.stream { $0.pipeline = #"[{"$match":{"fullDocument.n":{"$gt":1}}}]"# }
            let halts = try scene.bridge([changed]).halts()
            #expect(scene.log.lines(containing: "the stream's pipeline changed since its position was stored").map(\.level) == [.warning])
            #expect(halts.map(\.status) == [.lostPosition])
            #expect(halts.first?.reason.contains("(server code 280)") == true)
            let cause = "The stream's pipeline changed since the position was stored, and that is the likely cause"
            #expect(halts.first?.remedy.hasPrefix(cause) == true, "\(halts)")

            let folder = try TemporaryFolder()
            let yaml = scene.yaml(stream: #"pipeline: '[{"$match":{"fullDocument.n":{"$gt":1}}}]'"#)
            let check = try BridgeProgram(["check", "--config", folder.write(yaml, to: "bridge.yaml")])
            #expect(try check.exitStatus() == 65)
            #expect(check.output.contains("pipeline changed since the position was stored"), "\(check.output)\(check.errors)")
            #expect(check.output.contains(cause), "\(check.output)\(check.errors)")

            // Put back, it continues.
            #expect(try scene.publish([scene.stream()], count: 2).count == 2)
        }
    }
}
