import Foundation
import Mongo
import Runtime
import Testing

@testable import StreamBridge

/// `bridge verify` on what a bridge has published, and on what somebody has spoilt.
@Suite struct VerifyMongodTests {
    private static func numbers(_ range: Range<Int32>) -> [BSONDocument] { range.map { ["_id": .int32($0), "n": .int32($0)] } }

    /// Publishes `count` inserts.
    private static func publish(_ count: Int32, _ stream: StreamSettings, on scene: Scene) throws -> [TestRecord] {
        try scene.insert(numbers(0..<count))
        return try scene.publish([stream], count: Int(count))
    }

    private static func expectClean(_ report: VerifyReport, records: Int, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(report.isClean, "\(report)", sourceLocation: sourceLocation)
        #expect(report.expected == records, sourceLocation: sourceLocation)
        #expect(report.found == records, sourceLocation: sourceLocation)
        #expect(report.findings.isEmpty && report.undecided == 0, sourceLocation: sourceLocation)
    }

    // MARK: Clean

    @Test(arguments: [Delivery.atLeastOnce, .exactlyOnce])
    func whatAStreamHasPublishedIsClean(_ delivery: Delivery) async throws {
        try await Scene.play { scene in
            let stream = scene.stream { $0.delivery = delivery }
            _ = try Self.publish(300, stream, on: scene)
            try scene.update(1, ["$set": ["n": -1]])
            try scene.delete(2)
            _ = try scene.publish([stream], count: 302)
            let report = try scene.verify(stream)
            Self.expectClean(report, records: 302)
            #expect(report.compared == 302)
            #expect(report.topics == [scene.topic()])
            Self.expectClean(try scene.verify(stream, .init(from: .oldest, to: .now)), records: 302)
        }
    }

    /// Under load: what comes behind the position of the start is not looked at.
    @Test func aRunningBridgeIsClean() async throws {
        try await Scene.play { scene in
            let stream = scene.stream()
            let load = Load(documents: 100, rounds: 60, on: scene)
            let bridge = try scene.bridge([stream], partitions: 4)
            _ = try bridge.streams()
            load.start()
            for share in 1...4 {
                try load.wait(forAcknowledged: load.writes * share / 5)
                let report = try scene.verify(stream)
                #expect(report.isClean, "\(report)")
            }
            try load.waitForEnd()
            try scene.follow(partitions: 4).wait(events: load.writes)
            #expect(try bridge.stop().isEmpty)
            Self.expectClean(try scene.verify(stream), records: load.writes)
        }
    }

    @Test func whatWasWrittenBeforeTheStreamBeganIsNotMissing() async throws {
        try await Scene.play { scene in
            try scene.insert(Self.numbers(0..<50))
            let stream = scene.stream { $0.startAt = .now }
            let bridge = try scene.bridge([stream])
            // The place where the stream began is stored before anything is published.
            try scene.follow(scene.positionsTopic).wait(count: 1)
            try scene.insert(Self.numbers(50..<60))
            try scene.follow().wait(count: 10)
            #expect(try bridge.stop().isEmpty)
            Self.expectClean(try scene.verify(stream), records: 10)
            #expect(try scene.verify(stream, .init(from: .oldest)).missing == 50)
        }
    }

    @Test func whatIsMissingIsListedThoughTheOplogHasForgottenItsBeginningMeanwhile() async throws {
        try await Scene.playAlone(arguments: TinyOplog.arguments) { scene, _ in
            try TinyOplog.roll(beyond: scene.beginning, on: scene)
            let deployment = try Deployment(of: scene.pool)
            // The oldest entry might be cut off before the stream has read it.
            let end = try deployment.oplogWindow(pool: scene.pool).newest
            let stream = scene.stream { $0.startAt = .clusterTime(seconds: end.seconds, increment: end.increment) }
            _ = try Self.publish(5, stream, on: scene)
            // Five that nobody has published.
            try scene.insert(Self.numbers(5..<10))
            let oldest = try deployment.oplogWindow(pool: scene.pool).oldest
            let hasForgotten = Monitor(false)
            let report = try scene.verify(stream, .init(to: .now)) { progress in
                // The change stream has been read, the topics are.
                guard case .records = progress, !hasForgotten.value else { return }
                hasForgotten.update { $0 = true }
                #expect(throws: Never.self) { try TinyOplog.write(1 << 20, on: scene) { $0.oldest > oldest } }
            }
            #expect(try deployment.oplogWindow(pool: scene.pool).oldest > oldest)
            #expect(report.missing == 5 && report.findings.count(where: { $0.kind == .missing }) == 5, "\(report)")
        }
    }

    @Test func theSecondOfATimeBelongsToTheRange() async throws {
        try await Scene.play { scene in
            let stream = scene.stream()
            let published = try Self.publish(5, stream, on: scene)
            let last = try #require(published.last?.headers["mongodb.clusterTime"]?.split(separator: ".").first)
            Self.expectClean(try scene.verify(stream, .init(to: StartPoint(argument: String(last)))), records: 5)
        }
    }

    @Test func aStreamThatHasPublishedNothingIsClean() async throws {
        try await Scene.play { scene in
            try scene.insert(Self.numbers(0..<5))
            let stream = scene.stream { $0.startAt = .now }
            let bridge = try scene.bridge([stream])
            try scene.follow(scene.positionsTopic).wait(count: 1)
            #expect(try bridge.stop().isEmpty)
            Self.expectClean(try scene.verify(stream), records: 0)
        }
    }

    @Test func everyTopicOfADatabaseIsLookedAt() async throws {
        try await Scene.play { scene in
            let template = try TextTemplate(parsing: "\(scene.name).{coll}")
            let stream = scene.stream("fruits", .database(scene.database)) {
                $0.topic = template
                $0.tombstones = true
            }
            for topic in ["apples", "pears"] { try scene.kafka.create(topic: "\(scene.name).\(topic)", partitions: 3) }
            try scene.insert(Self.numbers(0..<40), into: "apples")
            try scene.insert(Self.numbers(0..<40), into: "pears")
            for id in 0..<10 as Range<Int32> { try scene.delete(.int32(id), from: "pears") }
            let bridge = try scene.bridge([stream])
            // A delete has its event and its tombstone.
            try scene.follow("\(scene.name).pears", partitions: 3).wait(count: 60)
            try scene.follow("\(scene.name).apples", partitions: 3).wait(count: 40)
            #expect(try bridge.stop().isEmpty)
            let report = try scene.verify(stream)
            Self.expectClean(report, records: 100)
            #expect(report.topics.sorted() == ["apples", "pears"].map { "\(scene.name).\($0)" })
        }
    }

    /// The server looks up another document when the change stream is read again.
    @Test(arguments: [FullDocument.updateLookup, .batchedLookup])
    func documentsThatChangedSinceTheyWereLookedUpAreNotDifferent(_ mode: FullDocument) async throws {
        try await Scene.play { scene in
            let stream = scene.stream { $0.fullDocument = mode }
            _ = try Self.publish(20, stream, on: scene)
            for id in 0..<20 as Range<Int32> { try scene.update(.int32(id), ["$set": ["n": -1]]) }
            _ = try scene.publish([stream], count: 40)
            for id in 0..<20 as Range<Int32> { try scene.update(.int32(id), ["$set": ["n": -2]]) }
            let report = try scene.verify(stream)
            Self.expectClean(report, records: 40)
            #expect(report.compared == 20)
        }
    }

    /// Which updates pass such a filter cannot be told a second time.
    @Test func eventsThatWereChosenByALookedUpDocumentAreUndecided() async throws {
        try await Scene.play { scene in
            let stream = scene.stream {
                $0.fullDocument = .updateLookup
                $0.pipeline = #"[{"$match":{"fullDocument.n":{"$lt":10}}}]"#
            }
            _ = try Self.publish(10, stream, on: scene)
            try scene.update(1, ["$set": ["n": 5]])
            _ = try scene.publish([stream], count: 11)
            try scene.update(1, ["$set": ["n": 50]])
            let report = try scene.verify(stream)
            #expect(report.isClean && report.undecided == 1, "\(report)")
            #expect(report.found == 10)
        }
    }

    @Test func aDroppedCollectionDoesNotEndTheRange() async throws {
        try await Scene.play { scene in
            let stream = scene.stream()
            _ = try Self.publish(10, stream, on: scene)
            try scene.command(["drop": "fruits"])
            try scene.insert(Self.numbers(0..<10))
            // Ten inserts, the drop, the invalidate, ten inserts.
            _ = try scene.publish([stream], count: 22)
            Self.expectClean(try scene.verify(stream), records: 22)
        }
    }

    // MARK: Spoilt

    @Test func anEventThatAPositionWentPastIsMissing() async throws {
        try await Scene.play { scene in
            let stream = scene.stream()
            _ = try Self.publish(10, stream, on: scene)
            try scene.insert(Self.numbers(10..<15))
            // The bridge has not come so far.
            Self.expectClean(try scene.verify(stream), records: 10)
            let tokens = try scene.events().compactMap { $0["_id"]?.documentValue?["_data"]?.stringValue }
            try scene.storePosition(try #require(tokens.last), of: stream, events: 15)
            let report = try scene.verify(stream, .init(limit: 3))
            #expect(!report.isClean)
            #expect(report.missing == 5 && report.expected == 15 && report.found == 10)
            #expect(report.findings.map(\.kind) == [.missing, .missing, .missing])
            #expect(report.findings.map(\.token) == Array(tokens[10..<13]))
            #expect(report.findings.first?.key == #"{"_id":{"$numberInt":"10"}}"#)
            #expect(report.findings.first?.topic == scene.topic())
            #expect(report.findings.first?.clusterTime != nil)
            #expect(report.findings.first?.offset == nil)
            Self.expectClean(try scene.verify(stream, .init(to: StartPoint(argument: tokens[9].lowercased()))), records: 10)
            #expect(try scene.verify(stream, .init(from: .token(tokens[11]))).missing == 3)
        }
    }

    @Test func aTopicWithoutAnyRecordMissesAll() async throws {
        try await Scene.play { scene in
            let stream = scene.stream()
            _ = try Self.publish(10, stream, on: scene)
            try scene.kafka.create(topic: "\(scene.name).other")
            let moved = scene.stream { $0.topic = TextTemplate(segments: [.literal("\(scene.name).other")]) }
            #expect(try scene.verify(moved).missing == 10)
        }
    }

    @Test func aRepeatIsToldAndIsAFaultOnlyOfExactlyOnce() async throws {
        try await Scene.play { scene in
            let stream = scene.stream()
            let records = try Self.publish(10, stream, on: scene)
            try scene.forge([records[3], records[4]])
            let allowed = try scene.verify(stream)
            #expect(allowed.isClean && allowed.repeatedIdentical == 2 && allowed.findings.isEmpty, "\(allowed)")
            let report = try scene.verify(scene.stream { $0.delivery = .exactlyOnce })
            #expect(!report.isClean)
            #expect(report.repeatedIdentical == 2 && report.repeatedDifferent == 0 && report.missing == 0 && report.reordered == 0)
            #expect(report.findings.map(\.kind) == [.repeated, .repeated])
            #expect(report.findings.map(\.offset) == [10, 11])
            #expect(report.findings.map(\.token) == [records[3].token, records[4].token])
        }
    }

    @Test func aRepeatWithOtherBytesIsAFaultOfEither() async throws {
        try await Scene.play { scene in
            let stream = scene.stream()
            let records = try Self.publish(10, stream, on: scene)
            try scene.forge([records[3].with(value: Array("{}".utf8))])
            let report = try scene.verify(stream)
            #expect(!report.isClean)
            #expect(report.repeatedIdentical == 0 && report.repeatedDifferent == 1 && report.different == 1)
            #expect(report.findings.map(\.kind) == [.different])
        }
    }

    @Test func recordsInAnotherOrderAreReordered() async throws {
        try await Scene.play { scene in
            let stream = scene.stream()
            let records = try Self.publish(10, stream, on: scene)
            let topic = "\(scene.name).other"
            try scene.kafka.create(topic: topic)
            try scene.forge([0, 1, 3, 2, 4, 5, 9, 6, 7, 8].map { records[$0] }, on: topic)
            let report = try scene.verify(scene.stream { $0.topic = TextTemplate(segments: [.literal(topic)]) })
            #expect(!report.isClean)
            #expect(report.reordered == 4 && report.missing == 0 && report.repeated == 0 && report.different == 0)
            #expect(report.findings.map(\.kind) == [.reordered, .reordered, .reordered, .reordered])
            #expect(report.findings.map(\.offset) == [3, 7, 8, 9])
            #expect(report.findings.first?.key == records[2].keyText)
        }
    }

    @Test func aRecordOfNoEventIsUnexpected() async throws {
        try await Scene.play { scene in
            let stream = scene.stream()
            let records = try Self.publish(10, stream, on: scene)
            try scene.forge([
                records[3].with(headers: ["mongodb.token": records[3].inventedToken]),
                // Before and behind the range, and not this stream's.
                records[3].with(headers: ["mongodb.token": "8200000001" + records[3].token.dropFirst(10)]),
                records[3].with(headers: ["mongodb.token": "82FFFFFFFF" + records[3].token.dropFirst(10)]),
                records[3].with(headers: ["mongodb.token": records[3].inventedToken, "bridge.stream": "vegetables"]),
            ])
            let report = try scene.verify(stream)
            #expect(!report.isClean)
            #expect(report.unexpected == 1 && report.missing == 0 && report.repeated == 0)
            #expect(report.findings.map(\.kind) == [.unexpected])
            #expect(report.findings.map(\.offset) == [10])
        }
    }

    @Test func aRecordWithOtherBytesIsDifferent() async throws {
        try await Scene.play { scene in
            let stream = scene.stream()
            let records = try Self.publish(10, stream, on: scene)
            let topic = "\(scene.name).other"
            try scene.kafka.create(topic: topic)
            var forged = records
            forged[5] = records[5].with(value: Array((records[5].text ?? "").utf8) + [0x20])
            try scene.forge(forged, on: topic)
            let report = try scene.verify(scene.stream { $0.topic = TextTemplate(segments: [.literal(topic)]) })
            #expect(!report.isClean)
            #expect(report.different == 1 && report.missing == 0 && report.unexpected == 0)
            #expect(report.findings.map(\.kind) == [.different])
            #expect(report.findings.map(\.offset) == [5])
        }
    }

    @Test func replaysAreLeftOut() async throws {
        try await Scene.play { scene in
            let stream = scene.stream { $0.delivery = .exactlyOnce }
            let records = try Self.publish(10, stream, on: scene)
            try scene.forge(records.prefix(5).map { $0.with(headers: ["bridge.origin": "replay"]) })
            Self.expectClean(try scene.verify(stream), records: 10)
        }
    }

    // MARK: Ranges that there are not

    @Test func aBeginningBehindTheStoredPositionIsSaid() async throws {
        try await Scene.play { scene in
            let stream = scene.stream()
            let published = try Self.publish(3, stream, on: scene)
            try scene.storePosition(published[0].token, of: stream, events: 1)
            let error = try #require(throws: WrongUsage.self) { try scene.verify(stream, .init(from: .token(published[2].token))) }
            #expect(error.description.contains("is after the stored position"))
        }
    }

    @Test func withoutAStoredPositionAnEndIsAskedFor() async throws {
        try await Scene.play { scene in
            let halt = #expect(throws: Halt.self) { try scene.verify(scene.stream()) }
            #expect(halt?.status == .configuration)
            #expect(halt?.remedy.contains("--to") == true)
        }
    }

    @Test func aPlaceThatTheServerDoesNotAcceptIsSaid() async throws {
        try await Scene.play { scene in
            let stream = scene.stream()
            let records = try Self.publish(3, stream, on: scene)
            let halt = #expect(throws: Halt.self) { try scene.verify(stream, .init(from: .token(records[1].inventedToken))) }
            #expect(halt?.status == .lostPosition)
            #expect(halt?.remedy.contains("--from") == true)
        }
    }

    // MARK: The program

    @Test func theProgramPrintsWhatItFoundAndSaysItByItsStatus() async throws {
        try await Scene.play { scene in
            let folder = try TemporaryFolder()
            let file = try folder.write(scene.yaml(), to: "bridge.yaml")
            let stream = scene.stream()
            let records = try Self.publish(10, stream, on: scene)
            let clean = try BridgeProgram(["verify", "--config", file, "--stream", "fruits"])
            #expect(try clean.exitStatus() == 0, "\(clean.output)\(clean.errors)")
            #expect(clean.output.contains("10 records expected, 10 found, 10 of them compared"))
            #expect(clean.output.contains("verification passed"))

            try scene.insert(Self.numbers(10..<15))
            try scene.forge([records[3].with(headers: ["mongodb.token": records[3].inventedToken])])
            let spoilt = try BridgeProgram(["verify", "--config", file, "--stream", "fruits", "--to", "now", "--limit", "2"])
            #expect(try spoilt.exitStatus() == 1, "\(spoilt.output)\(spoilt.errors)")
            #expect(spoilt.output.contains("missing 5, repeated 0 (expected with at-least-once), reordered 0, unexpected 1, different 0"))
            #expect(spoilt.output.contains("unexpected \(scene.topic())/0@10"))
            #expect(spoilt.output.split(separator: "\n").count { $0.hasPrefix("missing    \(scene.topic())") } == 2)

            let json = try BridgeProgram([
                "verify", "--config", file, "--stream", "fruits", "--to", "now", "--limit", "2", "--format", "json",
            ])
            #expect(try json.exitStatus() == 1)
            let report = try BSONDocument(extendedJSON: json.output)
            #expect(report["missing"]?.int64Value == 5)
            #expect(report["clean"]?.booleanValue == false)
            #expect(report["findings"]?.arrayValue?.count == 3)
        }
    }

    @Test(arguments: [
        (["--stream", "fruit"], "did you mean"), (["--stream", "fruits", "--from", "yesterday"], "write a resume token"),
        (["--stream", "fruits", "--from", "now"], "--from takes no now"), ([], "--stream"),
    ])
    func wrongUsageIsSaid(_ arguments: [String], _ sentence: String) async throws {
        try await Scene.play { scene in
            let folder = try TemporaryFolder()
            let file = try folder.write(scene.yaml(), to: "bridge.yaml")
            let program = try BridgeProgram(["verify", "--config", file] + arguments)
            #expect(try program.exitStatus() == 64)
            #expect(program.errors.contains(sentence), "\(program.errors)")
        }
    }
}
