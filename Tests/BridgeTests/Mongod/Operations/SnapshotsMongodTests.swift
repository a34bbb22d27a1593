import Foundation
import Logging
import Mongo
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// `bridge snapshot` beside the ledger and the stored position. No bridge runs.
@Suite struct SnapshotsMongodTests {
    private static func play(_ body: @escaping @Sendable (Scene, StreamSettings) throws -> Void) async throws {
        try await Scene.play { scene in
            try scene.makeSnapshotsTopic()
            try scene.insert((0..<5).map { ["_id": .int32($0), "n": .int32($0)] })
            try body(scene, scene.stream { $0.delivery = .exactlyOnce })
        }
    }

    private static func progress(of record: SnapshotRecord, _ scene: Scene, after: BSONValue = 2) -> SnapshotProgress {
        SnapshotProgress(
            id: record.id, namespace: Namespace(database: scene.database, collection: "fruits"), after: DocumentID(after), documents: 3)
    }

    // MARK: Start

    @Test(arguments: Delivery.allCases)
    func aNamedCollectionIsListedAtOnce(_ delivery: Delivery) async throws {
        try await Self.play { scene, stream in
            var stream = stream
            stream.delivery = delivery
            let record = try scene.startSnapshot(
                of: stream, ["\(scene.database).fruits"], filter: #"{"n":{"$gt":1}}"#, topic: "again", why: "lost its state")
            let stored = try #require(try scene.ledger().first)
            #expect(stored == record)
            #expect(stored.state == .running && stored.stream == "fruits" && stored.by == "ann@desk" && stored.why == "lost its state")
            #expect(stored.topic == "again" && stored.filter == #"{"n":{"$gt":1}}"#)
            let part = try #require(stored.parts.first)
            #expect(stored.parts.count == 1)
            #expect("\(part.namespace)" == "\(scene.database).fruits" && part.state == .waiting && part.documents == 0)
            #expect(part.estimated == 5)
            #expect(part.filter == #"{"n":{"$gt":1}}"#)
        }
    }

    @Test func theFiltersOfTheConfigurationApplyWithoutOneOfTheCommand() async throws {
        try await Self.play { scene, stream in
            var stream = stream
            let fruits = Namespace(database: scene.database, collection: "fruits")
            stream.snapshot.filters = [fruits: #"{"n":3}"#]
            let record = try scene.startSnapshot(of: stream, ["\(fruits)"])
            #expect(record.parts.map(\.filter) == [#"{"n":3}"#])
        }
    }

    @Test func ofAWholeScopeTheLeaderListsTheCollections() async throws {
        try await Self.play { scene, stream in
            var stream = stream
            stream.watch = .database(scene.database)
            let record = try scene.startSnapshot(of: stream, filter: "{}")
            #expect(record.parts.isEmpty && record.filter == "{}")
        }
    }

    @Test func aSecondOneIsRefusedWhileOneRuns() async throws {
        try await Self.play { scene, stream in
            let running = try scene.startSnapshot(of: stream)
            let refusal = try #require(throws: WrongUsage.self) { try scene.startSnapshot(of: stream) }
            #expect("\(refusal)".contains("snapshot \(running.id) of stream fruits is running"), "\(refusal)")
            #expect("\(refusal)".contains("`bridge snapshot stop fruits`"), "\(refusal)")
            #expect(try scene.ledger() == [running])
        }
    }

    /// (the collection, words of the refusal)
    @Test(arguments: [
        ("view", "is a view"), ("series", "is a time-series collection"), ("capped", "is a capped collection"),
    ])
    func whatCannotBeCopiedIsRefusedByName(_ collection: String, _ words: String) async throws {
        try await Self.play { scene, stream in
            try scene.command(["create": "view", "viewOn": "fruits", "pipeline": []])
            try scene.command(["create": "series", "timeseries": ["timeField": "at"]])
            try scene.command(["create": "capped", "capped": true, "size": 4096])
            var stream = stream
            stream.watch = .database(scene.database)
            let halt = try #require(throws: Halt.self) { try scene.startSnapshot(of: stream, ["\(scene.database).\(collection)"]) }
            #expect(halt.reason.contains("\(scene.database).\(collection) \(words)"), "\(halt)")
            #expect(halt.status == .configuration)
            #expect(try scene.ledger().isEmpty)
            // Unnamed they are left out.
            #expect(try scene.startSnapshot(of: stream).state == .running)
            let warning = try #require(scene.log.lines(containing: "snapshots leave out capped collections").first)
            #expect(warning.level == .warning && warning.message.hasSuffix("\(scene.database).capped"), "\(warning)")
        }
    }

    /// (collections, filter, topic, words of the refusal)
    @Test(
        arguments: [
            (["%.others"], nil, nil, "--collection: stream fruits does not watch %.others"),
            (["%"], nil, nil, "--collection: name a collection as well"),
            (["%.system.views"], nil, nil, "--collection: MongoDB has no change streams on system collections"),
            ([], "{n: ", nil, "--filter: "), ([], "[]", nil, "--filter: "),
            (
                [], nil, "bridge.%.snapshots",
                "--topic: it can stand for bridge.%.snapshots, and bridge.%.snapshots belongs to the bridge itself"
            ),
            ([], nil, "{nothing}", "--topic: "),
        ] as [([String], String?, String?, String)])
    func whatCannotBeMeantIsWrongUsage(_ collections: [String], _ filter: String?, _ topic: String?, _ words: String) async throws {
        try await Self.play { scene, stream in
            // The scene names its database and its bridge alike.
            func named(_ text: String) -> String { text.replacing("%", with: scene.database) }
            let refusal = try #require(throws: WrongUsage.self) {
                try scene.startSnapshot(of: stream, collections.map(named), filter: filter, topic: topic.map(named))
            }
            #expect("\(refusal)".hasPrefix(named(words)), "\(refusal)")
            #expect(try scene.ledger().isEmpty)
        }
    }

    @Test(arguments: [true, false])
    func aFilterThatIsNoQueryIsRefusedInTheServersWords(isNamed: Bool) async throws {
        try await Self.play { scene, stream in
            let halt = try #require(throws: Halt.self) {
                try scene.startSnapshot(of: stream, isNamed ? ["\(scene.database).fruits"] : [], filter: #"{"n":{"$gtt":1}}"#)
            }
            #expect(halt.reason.contains("MongoDB refuses the snapshot's filter for \(scene.database).fruits"), "\(halt)")
            #expect(halt.reason.contains("$gtt"), "\(halt)")
            #expect(halt.remedy.contains("Write a query as for `find`"))
            #expect(try scene.ledger().isEmpty)
        }
    }

    @Test func aCollectionThatIsNotThereIsAWarning() async throws {
        try await Self.play { scene, stream in
            var stream = stream
            stream.watch = .database(scene.database)
            let record = try scene.startSnapshot(
                of: stream, ["\(scene.database).later", "\(scene.database).fruits", "\(scene.database).later"])
            #expect(record.parts.map(\.namespace.collection) == ["later", "fruits"])
            #expect(record.parts.map(\.estimated) == [0, 5])
            #expect(scene.log.lines(containing: "there is no collection \(scene.database).later").map(\.level) == [.warning])
        }
    }

    /// A server that reads nothing as of a moment says so before anything else is asked of it.
    @Test func anOldServerIsRefused() async throws {
        try await Self.play { scene, stream in
            let old = Deployment(replicaSet: "shared", isSharded: false, version: "4.4.29")
            let remarks = try SnapshotReview.remarks(on: stream, deployment: old, pool: scene.pool)
            #expect(remarks.map(\.isFault) == [true])
            #expect(remarks.first?.text.contains("MongoDB 5.0 or later") == true && remarks.first?.text.hasSuffix("4.4.29") == true)
        }
    }

    // MARK: Stop and resume

    @Test func stopKeepsHowFarThePositionIs() async throws {
        try await Self.play { scene, stream in
            let started = try scene.startSnapshot(of: stream, ["\(scene.database).fruits"])
            try scene.store(Self.progress(of: started, scene))
            let before = try scene.position()
            let stopped = try scene.snapshots([stream]) { try await $0.stop(stream) }
            #expect(try scene.ledger() == [stopped])
            #expect(stopped.id == started.id && stopped.state == .stopped && stopped.reason == "stopped by ann@desk")
            #expect(stopped.parts[0].documents == 3 && stopped.parts[0].after == DocumentID(2) && stopped.parts[0].state == .running)
            #expect(stopped.endedAt != nil)
            #expect(try scene.position() == before)
            let refusal = try #require(throws: WrongUsage.self) { try scene.snapshots([stream]) { try await $0.stop(stream) } }
            #expect("\(refusal)" == "no snapshot of stream fruits is running: the newest one, \(started.id), is stopped")
        }
    }

    @Test(arguments: [SnapshotRecord.State.stopped, .failed])
    func whatHasNotEndedWellGoesOnWhereItWas(_ state: SnapshotRecord.State) async throws {
        try await Self.play { scene, stream in
            let ended = SnapshotRecord.sample {
                $0.state = state
                $0.reason = "because"
                $0.endedAt = $0.startedAt + 1
            }
            var snapshot = SnapshotRecord(
                id: ended.id, stream: "fruits", by: ended.by, parts: ended.parts, startedAt: ended.startedAt)
            snapshot.state = state
            snapshot.reason = "because"
            snapshot.endedAt = ended.endedAt
            try scene.record(snapshot)
            let resumed = try scene.snapshots([stream]) { try await $0.resume(stream) }
            #expect(resumed.state == .running && resumed.reason == nil && resumed.endedAt == nil)
            #expect(resumed.parts == snapshot.parts)
            #expect(try scene.ledger() == [resumed])
            let refusal = try #require(throws: WrongUsage.self) { try scene.snapshots([stream]) { try await $0.resume(stream) } }
            #expect("\(refusal)".contains("is running already"))
        }
    }

    @Test func nothingIsLeftOfOneThatIsDone() async throws {
        try await Self.play { scene, stream in
            let none = try #require(throws: WrongUsage.self) { try scene.snapshots([stream]) { try await $0.resume(stream) } }
            #expect("\(none)".contains("there is no snapshot of stream fruits"))
            var done = SnapshotRecord(id: "a", stream: "fruits", by: "ann@desk")
            done.state = .done
            try scene.record(done)
            let refusal = try #require(throws: WrongUsage.self) { try scene.snapshots([stream]) { try await $0.resume(stream) } }
            #expect("\(refusal)".contains("snapshot a of stream fruits is done"))
            #expect(try scene.ledger() == [done])
        }
    }

    @Test func aNewOneGivesUpTheStoppedOne() async throws {
        try await Self.play { scene, stream in
            let first = try scene.startSnapshot(of: stream)
            _ = try scene.snapshots([stream]) { try await $0.stop(stream) }
            let second = try scene.startSnapshot(of: stream)
            let ledger = try scene.ledger()
            #expect(ledger.map(\.id) == [first.id, second.id])
            #expect(ledger.map(\.state) == [.failed, .running])
            #expect(ledger[0].reason == "given up for snapshot \(second.id)")
        }
    }

    // MARK: Status

    @Test func theStatusIsOfTheNewestOneOfEachStreamOrOfAllOfOne() async throws {
        try await Self.play { scene, stream in
            let trucks = scene.stream("trucks")
            func record(_ id: String, _ stream: String, _ startedAt: Int64, _ state: SnapshotRecord.State) throws {
                var record = SnapshotRecord(id: id, stream: stream, by: "ann@desk", startedAt: startedAt)
                record.state = state
                try scene.record(record)
            }
            #expect(try scene.snapshots([stream, trucks]) { try await $0.status(of: nil).map(\.record.id) } == [])
            try record("c", "trucks", 3000, .done)
            try record("b", "fruits", 2000, .stopped)
            try record("a", "fruits", 1000, .done)
            func ids(_ name: String?) throws -> [String] {
                try scene.snapshots([stream, trucks]) { try await $0.status(of: name).map(\.record.id) }
            }
            #expect(try ids(nil) == ["b", "c"])
            #expect(try ids("fruits") == ["a", "b"])
            #expect(throws: WrongUsage.self) { try ids("fruit") }
        }
    }

    @Test func theStatusIsAsFarAsThePosition() async throws {
        try await Self.play { scene, stream in
            let started = try scene.startSnapshot(of: stream, ["\(scene.database).fruits"])
            try scene.store(Self.progress(of: started, scene))
            let report = try #require(try scene.snapshots([stream]) { try await $0.status(of: "fruits") }.first)
            #expect(report.record.documents == 3 && report.record.remaining == 2)
            #expect(try #require(report.rate) > 0)
            // The ledger itself is behind.
            #expect(try scene.ledger().first?.documents == 0)
        }
    }

    // MARK: Edits of the position

    @Test func anEditedPositionKeepsItsSnapshot() async throws {
        try await Self.play { scene, stream in
            try scene.makeEditsTopics()
            let started = try scene.startSnapshot(of: stream, ["\(scene.database).fruits"])
            try scene.store(Self.progress(of: started, scene))
            let change = try scene.setPosition(of: stream, to: "now")
            #expect(try scene.position()?.position.snapshot == Self.progress(of: started, scene))
            #expect(change.snapshot?.id == started.id && change.snapshot?.isEnded == false)
            #expect(try scene.ledger() == [started])
        }
    }

    @Test func aRemovedPositionEndsItsSnapshot() async throws {
        try await Self.play { scene, stream in
            try scene.makeEditsTopics()
            let started = try scene.startSnapshot(of: stream, ["\(scene.database).fruits"])
            try scene.store(Self.progress(of: started, scene))
            let change = try scene.positions([stream]) { try await $0.reset(stream, .init(by: "ann@desk")) }
            #expect(change.snapshot?.isEnded == true)
            let failed = try #require(try scene.ledger().first)
            #expect(failed.state == .failed && failed.reason == "the stream's position was removed" && failed.endedAt != nil)
            #expect(failed.parts[0].documents == 3 && failed.parts[0].after == DocumentID(2))
            // What does not run is left alone.
            #expect(try scene.positions([stream]) { try await $0.reset(stream, .init(by: "ann@desk")) }.snapshot == nil)
            #expect(try scene.ledger() == [failed])
        }
    }

    // MARK: The program

    @Test func theCommandLineBeginsShowsStopsAndResumes() async throws {
        try await Self.play { scene, _ in
            let folder = try TemporaryFolder()
            let yaml = scene.yaml(delivery: .exactlyOnce).replacing(
                "kafka:\n", with: "kafka:\n  consumer: { session.timeout.ms: \(Scene.sessionTimeout) }\n")
            let file = try folder.write(yaml, to: "bridge.yaml")
            func run(_ arguments: String..., status: Int32 = 0) throws -> BridgeProgram {
                let program = try BridgeProgram(["snapshot"] + arguments + ["--config", file])
                #expect(try program.exitStatus() == status, "\(program.output)\(program.errors)")
                return program
            }
            #expect(try run("status").output == "no snapshots\n")
            let started = try run("start", "fruits", "--collection", "\(scene.database).fruits", "--why", "a test")
            let id = started.output.trimmingCharacters(in: .newlines)
            #expect(started.output == "\(id)\n" && id.wholeMatch(of: #/\d{8}T\d{6}-[0-9a-f]{4}/#) != nil, "\(started.output)")
            #expect(try run("start", "fruits", status: 64).errors.contains("Error: snapshot \(id) of stream fruits is running"))
            let text = try run("status", "fruits").output
            for words in ["\(id)  fruits  running", "a test", "\(scene.database).fruits  waiting  0 of about 5 documents"] {
                #expect(text.contains(words), "\(text)")
            }
            let status = try BSONDocument(extendedJSON: run("status", "--format", "json").output)
            #expect(status["snapshot"]?.stringValue == id && status["estimated"] == 5 && status["etaSeconds"] == .null)
            #expect(status.keys.suffix(3) == ["estimated", "rate", "etaSeconds"])
            #expect(try run("stop", "fruits").output.contains("snapshot \(id) is stopped after 0 documents"))
            #expect(try run("stop", "fruits", status: 64).errors.contains("no snapshot of stream fruits is running"))
            #expect(try run("resume", "fruits").output.contains("snapshot \(id) continues behind 0 documents"))
            #expect(try run("start", "fruit", status: 64).errors.contains("did you mean `fruits`?"))
            #expect(try run("status", "fruit", status: 64).errors.contains("did you mean `fruits`?"))
        }
    }

    /// (what is not there)
    @Test(arguments: ["Kafka", "MongoDB"])
    func aStopEndsACommandThatWaitsForAServer(_ server: String) async throws {
        try await Self.play { scene, stream in
            var configuration = scene.configuration([stream])
            // Nothing ends within the test but by the stop.
            configuration.startupTimeout = .seconds(3600)
            if server == "Kafka" {
                configuration.kafka.common["bootstrap.servers"] = "127.0.0.1:1"
            } else {
                configuration.mongodb.uri = "mongodb://127.0.0.1:1/?replicaSet=none"
                configuration.mongodb.serverSelectionTimeout = .seconds(3600)
            }
            let snapshots = Snapshots(configuration: configuration, user: "ann@desk", logger: scene.log.logger)
            let end = Monitor<(any Error)?>(nil)
            Task.detached {
                do { _ = try await snapshots.start(.init(stream: stream)) } catch { end.update { $0 = error } }
            }
            snapshots.requestStop()
            let error = try end.wait(for: "the end") { $0 }
            #expect(error is Stopped, "\(error)")
        }
    }
}
