import Logging
import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

/// The printed role is enough for everything that a configuration does, and nothing of it is too much.
@Suite struct GrantsMongodTests {
    /// What a bridge may be configured to do, each with needs of its own.
    enum Work: String, Sendable, CaseIterable {
        case collectionInEveryMode, requiredImages, database, severalDatabases, cluster, dispatcher, dispatcherWithItsPoolElsewhere

        var isDispatcher: Bool { self == .dispatcher || self == .dispatcherWithItsPoolElsewhere }
    }

    /// One work, on a server with access control, and the account that the printed commands make.
    private struct Stage {
        let guarded: GuardedMongod
        let dispatching: Dispatching?
        let configuration: BridgeConfiguration

        var scene: Scene { guarded.scene }

        init(_ work: Work, on guarded: GuardedMongod) throws {
            self.guarded = guarded
            let scene = guarded.scene
            var configuration = scene.configuration(try Self.streams(of: work, scene))
            configuration.mongodb.uri = guarded.uri(as: "granted:pw")
            dispatching = try work.isDispatcher ? Self.dispatching(work, scene) : nil
            configuration.dispatchers = dispatching.map { [$0.settings] } ?? []
            configuration.kafka.consumer = Dispatching.membership
            self.configuration = configuration
            for stream in configuration.streams {
                try scene.kafka.create(topic: scene.topic(stream.name))
                // What is not there is warned of.
                let named = stream.watch.namedCollections
                for namespace in named.isEmpty ? [Namespace(database: scene.database, collection: "fruits")] : named {
                    _ = try? scene.command(["create": .string(namespace.collection)], on: namespace.database)
                }
            }
        }

        private static func streams(of work: Work, _ scene: Scene) throws -> [StreamSettings] {
            let other = Namespace(database: "\(scene.database)-2", collection: "fruits")
            switch work {
            case .collectionInEveryMode:
                return [FullDocument.default, .updateLookup, .batchedLookup, .whenAvailable].map { mode in
                    scene.stream("fruits-\(mode.rawValue)") {
                        $0.fullDocument = mode
                        $0.showExpandedEvents = true
                    }
                }
            case .requiredImages:
                try scene.command(["create": "fruits", "changeStreamPreAndPostImages": ["enabled": true]])
                return [
                    scene.stream("images") {
                        $0.fullDocument = .required
                        $0.fullDocumentBeforeChange = .required
                        $0.startAt = .oldest
                    }
                ]
            case .database: return [scene.stream("database", .database(scene.database)) { $0.fullDocument = .batchedLookup }]
            case .severalDatabases:
                return [
                    scene.stream("several", .collections([Namespace(database: scene.database, collection: "fruits"), other])) {
                        $0.fullDocument = .updateLookup
                    }
                ]
            case .cluster:
                // Also of what other databases hold, the server's own excepted.
                return [scene.stream("cluster", .cluster) { $0.fullDocument = .batchedLookup }]
            case .dispatcher, .dispatcherWithItsPoolElsewhere: return []
            }
        }

        private static func dispatching(_ work: Work, _ scene: Scene) throws -> Dispatching {
            try Dispatching(scene, trucks: Dispatching.trucks(1...6)) {
                if work == .dispatcherWithItsPoolElsewhere {
                    $0.resource.pool = Namespace(database: "\(scene.database)-2", collection: "trucks")
                }
            }
        }

        // MARK: The account

        /// The printed commands, as a program reads them.
        func commands() throws -> BSONDocument {
            try BSONDocument(extendedJSON: MongoGrants(configuration, makesIndexes: true).json)
        }

        /// Makes the role and the user.
        func apply() throws {
            let printed = try commands()
            for part in ["role", "user"] {
                let entry = try #require(printed[part]?.documentValue)
                var command = try #require(entry["command"]?.documentValue)
                if part == "user" { command.append("pwd", "pw") }
                try scene.command(command, on: try #require(entry["db"]?.stringValue))
            }
        }

        /// Takes one action from every entry of the role that gives it on a resource.
        func take(_ action: String, on resource: PrivilegeResource) throws {
            let role = try commands()["role"]?.documentValue?["command"]?.documentValue
            try setPrivileges(
                try #require(role?["privileges"]?.arrayValue).compactMap(\.documentValue).compactMap { privilege in
                    let names = try #require(privilege["resource"]?.documentValue)
                    let place = PrivilegeResource(
                        database: try #require(names["db"]?.stringValue), collection: try #require(names["collection"]?.stringValue))
                    let actions = try #require(privilege["actions"]?.arrayValue).filter {
                        !place.includes(resource) || $0.stringValue != action
                    }
                    return actions.isEmpty ? nil : ["resource": .document(names), "actions": .array(actions)]
                })
        }

        func setPrivileges(_ privileges: [BSONDocument]) throws {
            try scene.command(
                ["updateRole": .string("bridge.\(scene.name)"), "privileges": .array(privileges.map { .document($0) })], on: "admin")
        }

        /// What `bridge check` does not like of MongoDB. The mock cluster lets everybody wait who asks for a topic's
        /// settings, or to create one, so the topic of the positions, which is asked for, is not there and not to be
        /// created.
        func complaints() throws -> [Finding] {
            scene.kafka.hide(topic: scene.positionsTopic)
            defer { scene.kafka.show(topic: scene.positionsTopic) }
            var configuration = configuration
            configuration.topics.create = false
            return try configuration.check().filter { $0.level != .ok && !$0.subject.hasPrefix("topic ") }
        }

        // MARK: The work

        func start() -> RunningBridge { RunningBridge(configuration, logger: scene.log.logger) }

        /// Writes that the streams have to publish.
        func write(_ id: Int32) throws {
            try scene.insert([["_id": .int32(id)]])
            try scene.update(.int32(id), ["$set": ["n": 1]])
        }

        /// Commands that use everything that a dispatcher does: it dispatches, reassigns, finds what was done before,
        /// and completes.
        func commandTexts(_ round: String) -> [String] {
            [
                CommandText.dispatch("\(round)-1", 4), CommandText.dispatch("\(round)-2", 4), CommandText.dispatch("\(round)-1", 4),
                CommandText.complete("\(round)-3", "\(round)-1"), CommandText.complete("\(round)-4", "\(round)-2"),
            ]
        }
    }

    @Test(arguments: Work.allCases)
    func everythingRunsUnderThePrintedRole(_ work: Work) async throws {
        try await GuardedMongod.play { guarded in
            let stage = try Stage(work, on: guarded)
            let scene = guarded.scene
            try stage.apply()
            let bridge = stage.start()
            if let dispatching = stage.dispatching {
                let outcomes = try dispatching.answers(to: stage.commandTexts("a"))
                #expect(outcomes.map(\.status) == ["dispatched", "reassigned", "dispatched", "completed", "completed"])
                #expect(try dispatching.answers(to: [stage.commandTexts("a")[3]]).map(\.text) == [outcomes[3].text])
            } else {
                // Open before the writes, so that nothing is looked up of a document that is not there yet.
                try scene.follow(scene.positionsTopic).wait(for: "the beginning of every stream") { records in
                    stage.configuration.streams.allSatisfy { stream in records.contains { $0.keyText == stream.name } }
                }
                try stage.write(1)
                for stream in stage.configuration.streams {
                    try scene.follow(scene.topic(stream.name)).wait(for: "the update") { $0.contains { $0.operation == "update" } }
                }
            }
            #expect(try bridge.stop().isEmpty)
            #expect(scene.log.all.filter { $0.level >= .warning }.isEmpty, "\(scene.log.all)")
            for stream in stage.configuration.streams {
                #expect(try scene.verify(stream, uri: stage.configuration.mongodb.uri).isClean, "\(stream.name)")
            }
            #expect(try stage.complaints().isEmpty)
        }
    }

    /// What the account lacks, one action of one need at a time.
    @Test(arguments: Work.allCases)
    func oneActionLessIsNamed(_ work: Work) async throws {
        try await GuardedMongod.play { guarded in
            let stage = try Stage(work, on: guarded)
            try stage.apply()
            // The bridge has published nothing before each, because a stored position would need less; and made no
            // index before createIndex is taken.
            let needs = PrivilegeNeeds.of(stage.configuration, makesIndexes: true)
            for need in needs.filter({ $0.actions == ["createIndex"] }) + needs.filter({ $0.actions != ["createIndex"] }) {
                for action in need.actions {
                    try stage.take(action, on: need.resource)
                    try Self.expectFailure(without: action, on: need.resource, stage)
                }
            }
        }
    }

    @Test func tooMuchIsAWarning() async throws {
        try await GuardedMongod.play { guarded in
            let scene = guarded.scene
            try guarded.createAccount("writer", roles: [["role": "readWrite", "db": .string(scene.database)]])
            // The mock cluster lets everybody wait who asks for the settings of a topic that is there.
            scene.kafka.hide(topic: scene.positionsTopic)
            var configuration = scene.configuration([scene.stream()])
            configuration.topics.create = false
            func finding(_ account: String) throws -> Finding {
                configuration.mongodb.uri = guarded.uri(as: account)
                return try #require(try configuration.check().first { $0.subject == "MongoDB account" })
            }
            let root = try finding("root:pw")
            #expect(root.level == .warning)
            #expect(root.text.hasPrefix("may do more than the bridge needs: it has the role root@admin; "), "\(root.text)")
            #expect(
                root.remedy
                    == "Give it a role of its own: `bridge grants mongodb` prints a role with what this configuration needs, and nothing else"
            )
            let writer = try finding("writer:pw")
            #expect(
                writer.text.contains("remove") && writer.text.hasSuffix("on \(scene.database).fruits, which the bridge only reads"),
                "\(writer.text)")
        }
    }

    @Test func theProgramPrintsBothAndNoSecret() async throws {
        try await Scene.play { scene in
            let folder = try TemporaryFolder()
            let file = try folder.write(scene.yaml(uri: "mongodb://us:s3cret@127.0.0.1:1/?replicaSet=rs0"), to: "bridge.yaml")
            func run(_ arguments: String..., status: Int32 = 0) throws -> String {
                let program = try BridgeProgram(["grants"] + arguments + ["--config", file])
                #expect(try program.exitStatus() == status)
                #expect(!program.output.contains("s3cret") && !program.errors.contains("s3cret"))
                return status == 0 ? program.output : program.errors
            }
            #expect(try run("mongodb").contains(#"createUser({ "user": "us", "pwd": passwordPrompt()"#))
            #expect(try BSONDocument(extendedJSON: run("mongodb", "--format", "json"))["role"] != nil)
            #expect(try run("kafka", "--principal", "User:me").contains("--allow-principal 'User:me' "))
            #expect(try run("kafka", status: 64).contains("kafka.sasl.username is not set"))
        }
    }

    private static func expectFailure(without action: String, on place: PrivilegeResource, _ stage: Stage) throws {
        let scene = stage.scene
        let findings = try stage.complaints()
        #expect(
            findings.contains { finding in
                [finding.text, finding.remedy ?? ""].allSatisfy { $0.contains(action) && $0.contains("\(place)") }
                    || action == "createIndex" && finding.remedy?.contains("createIndex on \(place)") == true
            },
            "without \(action) on \(place): \(findings)")
        guard findings.contains(where: { $0.level == .error }) else {
            if stage.dispatching != nil {
                let sentence = "free resources are looked up when they are needed, because they cannot be followed"
                let count = scene.log.lines(containing: sentence).count
                let bridge = stage.start()
                try scene.log.wait(for: sentence, count: count + 1)
                #expect(try bridge.stop().isEmpty)
            } else {
                // The watch on the oplog, and the check's own look at images: the rest continues.
                #expect(place == .collection(Namespace(database: "local", collection: "oplog.rs")) || action == "listCollections")
            }
            return
        }
        // What the check takes for an error ends the work itself by the server's own refusal.
        if let dispatching = stage.dispatching {
            try dispatching.send(stage.commandTexts("\(action)-\(place.names.collection)"))
        } else {
            try scene.insert([[:]])
        }
        let halts = try stage.start().halts()
        #expect(!halts.isEmpty)
        for halt in halts {
            #expect(
                [action, "\(place)", "bridge grants mongodb"].allSatisfy { halt.remedy.contains($0) },
                "without \(action) on \(place): \(halt)")
        }
    }
}
