import Foundation
import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

/// What `bridge check` says about dispatchers.
@Suite struct DispatcherCheckMongodTests {
    /// A dispatcher of a scene, with its topics.
    private struct Stage {
        let scene: Scene
        var settings: DispatcherSettings
        var configuration: BridgeConfiguration

        init(_ scene: Scene, partitions: Int32 = 2, _ change: (inout DispatcherSettings) -> Void = { _ in }) throws {
            self.scene = scene
            var settings = DispatcherSettings.sample()
            settings.commands = "\(scene.name).commands"
            settings.outcomes = "\(scene.name).outcomes"
            settings.deadLetters = "\(scene.name).dead-letters"
            settings.collection = Namespace(database: scene.database, collection: "shipments")
            settings.resource.pool = Namespace(database: scene.database, collection: "trucks")
            change(&settings)
            self.settings = settings
            configuration = scene.configuration([])
            configuration.dispatchers = [settings]
            for topic in [settings.commands, settings.outcomes, settings.deadLetters] {
                try scene.kafka.create(topic: topic, partitions: partitions)
            }
        }

        func findings() throws -> [Finding] { try configuration.check() }

        /// Those about the dispatcher itself, as lines.
        func lines(_ subject: String = "dispatcher shipments") throws -> [String] {
            try findings().filter { $0.subject == subject }.map { "\($0.level.rawValue) \($0.text)" }
        }

        func makeIndex(_ key: BSONDocument, name: String, unique: Bool = true, filter: BSONDocument? = nil) throws {
            var index: BSONDocument = ["key": .document(key), "name": .string(name), "unique": .boolean(unique)]
            if let filter { index.append("partialFilterExpression", .document(filter)) }
            try scene.command(["createIndexes": .string(settings.collection.collection), "indexes": [.document(index)]])
        }

        func send(_ count: Int) throws {
            let sender = try RecordSender(
                topic: settings.commands, settings: scene.kafka.settings, patience: Patience.limit, logger: .silent)
            for number in 0..<count { try sender.send(.init(key: "\(number)", text: "{}")) }
            try sender.finish()
        }

        func commit(_ offsets: [Int32: Int64]) throws {
            let group = "bridge.\(scene.name).shipments"
            let consumer = try GroupConsumer(
                topic: settings.commands, properties: ConsumerProperties.make(scene.kafka.settings, group: group, queueBytes: 1 << 20),
                logger: .silent)
            try consumer.commit(offsets, timeout: Patience.limit)
        }
    }

    private static let made = "truck_id_active"

    @Test func aDispatcherThatHasNotRunYetIsWellAndNothingIsChanged() async throws {
        try await Scene.play { scene in
            let stage = try Stage(scene)
            try scene.insert([["_id": 1], ["_id": 2]], into: "trucks")
            try stage.send(5)
            let findings = try stage.findings()
            #expect(findings.allSatisfy { $0.level == .ok }, "\(findings)")
            let lines = try stage.lines()
            #expect(lines.count == 3)
            #expect(
                lines[0]
                    == "ok group bridge.\(scene.name).shipments: 5 commands waiting; no committed offsets yet: begins at the first record")
            #expect(lines[1].hasPrefix("ok \(stage.settings.collection) has no unique index on truck_id alone; it will be made: db."))
            #expect(lines[2] == "ok pool \(scene.database).trucks: 2 resources, 2 of them free")
            for topic in [stage.settings.commands, stage.settings.outcomes, stage.settings.deadLetters] {
                #expect(findings.contains { $0.subject == "topic \(topic)" })
            }
            #expect(throws: MongoError.self) { try scene.command(["listIndexes": "shipments"]) }
        }
    }

    @Test func theLagIsCountedFromTheCommittedOffsets() async throws {
        try await Scene.play { scene in
            let stage = try Stage(scene, partitions: 1)
            try stage.send(7)
            try stage.commit([0: 4])
            #expect(try stage.lines().first == "ok group bridge.\(scene.name).shipments: 3 commands waiting")
            try stage.commit([0: 7])
            #expect(try stage.lines().first == "ok group bridge.\(scene.name).shipments: 0 commands waiting")
        }
    }

    @Test func partitionsWithoutACommittedOffsetAreNamed() async throws {
        try await Scene.play { scene in
            let stage = try Stage(scene, partitions: 3)
            try stage.commit([1: 0])
            #expect(
                try stage.lines().first == "ok group bridge.\(scene.name).shipments: 0 commands waiting; "
                    + "no committed offsets yet of partitions 0, 2: begins there at the first record")
        }
    }

    @Test func anOffsetThatTheTopicHasNotIsALostPosition() async throws {
        try await Scene.play { scene in
            let stage = try Stage(scene, partitions: 1)
            try stage.send(2)
            try stage.commit([0: 9])
            let finding = try #require(try stage.findings().first { $0.level == .error })
            #expect(finding.status == .lostPosition)
            #expect(finding.text.contains("committed offset 9 of \(stage.settings.commands)/0, which has 0 to 2"))
            #expect(
                finding.remedy?.contains(
                    "--group bridge.\(scene.name).shipments --topic \(stage.settings.commands) --reset-offsets --to-earliest") == true)
        }
    }

    @Test func theGuardIndexIsNamedWithItsKind() async throws {
        try await Scene.play { scene in
            let stage = try Stage(scene)
            try stage.makeIndex(["truck_id": 1], name: Self.made, filter: ["status": "active"])
            #expect(try stage.lines().contains("ok unique index truck_id_active guards truck_id of active documents"))
        }
        try await Scene.play { scene in
            let stage = try Stage(scene)
            try stage.makeIndex(["truck_id": 1], name: "plain")
            #expect(try stage.lines().contains("ok unique index plain guards truck_id of all documents, active or not"))
        }
    }

    @Test func anIndexThatComesCloseIsAWarning() async throws {
        try await Scene.play { scene in
            let stage = try Stage(scene)
            try stage.makeIndex(["truck_id": 1], name: "common", unique: false)
            let warning = try #require(try stage.lines().first { $0.hasPrefix("warning") && $0.contains("index") })
            #expect(warning.contains("index common is not unique. It will be made beside them: db."))
        }
    }

    @Test func documentsThatKeepTheIndexFromBeingMadeAreAnError() async throws {
        try await Scene.play { scene in
            let stage = try Stage(scene)
            try scene.insert(
                [
                    ["_id": 1, "truck_id": 4, "status": "active"], ["_id": 2, "truck_id": 4, "status": "active"],
                    ["_id": 3, "truck_id": 5, "status": "active"], ["_id": 4, "truck_id": 5, "status": "completed"],
                ], into: "shipments")
            let finding = try #require(try stage.findings().first { $0.level == .error })
            #expect(finding.status == .configuration)
            #expect(finding.text.hasSuffix("it cannot be made: several active documents have the truck_id 4"))
            #expect(finding.remedy?.contains("createIndex") == true)
        }
    }

    @Test func thePoolIsCounted() async throws {
        try await Scene.play { scene in
            let stage = try Stage(scene)
            #expect(try stage.lines().contains { $0.hasPrefix("warning the pool \(scene.database).trucks is empty") })
            try scene.insert([["_id": 1], ["_id": 2], ["_id": 3]], into: "trucks")
            try scene.insert(
                [["_id": "a", "truck_id": 1, "status": "active"], ["_id": "b", "truck_id": 2, "status": "completed"]], into: "shipments")
            #expect(try stage.lines().last == "ok pool \(scene.database).trucks: 3 resources, 2 of them free")
        }
    }

    @Test func withoutAPoolAConflictIsOnlyAnswered() async throws {
        try await Scene.play { scene in
            let stage = try Stage(scene) { $0.resource.pool = nil }
            #expect(try stage.lines().last == "ok without a pool a conflict is answered, never reassigned")
        }
    }

    @Test func aWriteConcernThatAFailoverUndoesIsAWarning() async throws {
        try await Scene.play { scene in
            var stage = try Stage(scene)
            stage.configuration.mongodb.writeConcern = .init(w: .nodes(1), wtimeout: nil, journal: false)
            // The one member of this replica set is its majority.
            #expect(
                try stage.lines("mongodb.writeConcern") == [
                    "warning journal is false: a failover or a crash can undo a document whose command was answered already"
                ])
        }
    }

    @Test(.disabled(if: TestKafka.isReal, "a real broker hides nothing"))
    func topicsThatAreMissingAreSaid() async throws {
        try await Scene.play { scene in
            var stage = try Stage(scene)
            scene.kafka.hide(topic: stage.settings.commands)
            scene.kafka.hide(topic: stage.settings.outcomes)
            #expect(
                try stage.lines("topic \(stage.settings.commands)") == ["ok does not exist yet and will be created, partitions: 1"])
            stage.configuration.topics.create = false
            let findings = try stage.findings().filter { $0.level == .error }
            #expect(findings.map(\.subject) == ["topic \(stage.settings.commands)", "topic \(stage.settings.outcomes)"])
            #expect(findings.allSatisfy { $0.status == .configuration })
        }
    }

    @Test func anAccountIsToldWhatItLacks() async throws {
        try await GuardedMongod.play { guarded in
            let scene = guarded.scene
            var stage = try Stage(scene)
            let (database, shipments) = (scene.database, stage.settings.collection)
            func privilege(_ collection: String, _ actions: BSONValue...) -> BSONValue {
                ["resource": ["db": .string(database), "collection": .string(collection)], "actions": .array(actions)]
            }
            try guarded.createAccount("reader", privileges: [privilege("shipments", "find", "listIndexes")])
            try guarded.createAccount(
                "least", privileges: [privilege("shipments", "find", "insert", "update", "listIndexes"), privilege("trucks", "find")])
            try guarded.createAccount(
                "whole",
                privileges: [
                    privilege("shipments", "insert", "update", "listIndexes", "createIndex"), privilege("", "find", "changeStream"),
                ])

            stage.configuration.mongodb.uri = guarded.uri(as: "reader:pw")
            let lacking = "insert, update on \(shipments), and find on \(database).trucks"
            let refused = try #require(try stage.findings().first { $0.level == .error })
            #expect(refused.text == "the account lacks \(lacking)")
            #expect(
                refused.remedy == "Grant the account \(lacking): `bridge grants mongodb` prints a role with what this configuration needs")

            stage.configuration.mongodb.uri = guarded.uri(as: "least:pw")
            let minimum = try stage.lines()
            #expect(minimum.contains { $0.hasPrefix("warning the account lacks changeStream, find on all collections of \(database)") })
            #expect(minimum.contains { $0.hasPrefix("error") && $0.contains("and the account may not make it") })

            stage.configuration.mongodb.uri = guarded.uri(as: "whole:pw")
            #expect(try stage.lines().contains { $0.hasPrefix("ok \(shipments) has no unique index") })
            #expect(try stage.findings().allSatisfy { $0.level < .error })
        }
    }
}
