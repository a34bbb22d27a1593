import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

/// Servers that a bridge cannot or may not read.
@Suite struct AccessMongodTests {
    /// Runs a bridge that has to end by itself with an error.
    private static func error<Failure: Error>(
        of scene: Scene, as type: Failure.Type, _ change: (inout BridgeConfiguration) -> Void
    ) throws -> Failure? {
        let bridge = try scene.bridge([scene.stream()], change)
        do {
            _ = try bridge.halts()
            return nil
        } catch {
            return error as? Failure
        }
    }

    private static func remedy(of scene: Scene) -> String {
        "Grant the account changeStream, find on \(scene.database).fruits: `bridge grants mongodb` prints a role with what this configuration needs"
    }

    @Test func aStandaloneServerIsRefusedWithTheReason() async throws {
        try await Scene.play { scene in
            let server = try MongodProcess()
            defer { server.stop() }
            let halt = try Self.error(of: scene, as: Halt.self) { $0.mongodb.uri = server.uri }
            #expect(halt?.reason == "MongoDB is a standalone server, and change streams need a replica set, because they read its oplog")
            #expect(halt?.remedy == "Start mongod with --replSet rs0 and run rs.initiate() once; one member is enough")
            #expect(halt?.status == .configuration)
        }
    }

    @Test func aServerThatIsNotThereIsUnreachableAfterTheStartUpDeadline() async throws {
        try await Scene.play { scene in
            let unreachable = try Self.error(of: scene, as: Unreachable.self) {
                $0.mongodb.uri = "mongodb://127.0.0.1:1/?replicaSet=rs0"
                $0.mongodb.serverSelectionTimeout = .milliseconds(200)
                $0.startupTimeout = .seconds(1)
            }
            #expect(unreachable?.server == "MongoDB")
            #expect(unreachable?.reason.contains("127.0.0.1:1") == true)
        }
    }

    @Test func aKafkaThatIsNotThereIsUnreachableAfterTheStartUpDeadline() async throws {
        try await Scene.play { scene in
            let unreachable = try Self.error(of: scene, as: Unreachable.self) {
                $0.kafka.common["bootstrap.servers"] = "127.0.0.1:1"
                $0.startupTimeout = .seconds(1)
            }
            #expect(unreachable?.server == "Kafka")
            #expect(unreachable?.reason.contains("Connection refused") == true)
        }
    }

    @Test func aServerOfAnotherReplicaSetIsAFaultOfTheConfiguration() async throws {
        try await Scene.play { scene in
            let halt = try Self.error(of: scene, as: Halt.self) {
                $0.mongodb.uri = $0.mongodb.uri.replacing("replicaSet=shared", with: "replicaSet=typo")
                $0.mongodb.serverSelectionTimeout = .milliseconds(500)
                $0.startupTimeout = .seconds(1)
            }
            #expect(halt?.status == .configuration)
            #expect(halt?.remedy.contains("replicaSet=shared") == true)
        }
    }

    @Test func accountsAreHeldToWhatTheyMay() async throws {
        try await GuardedMongod.play { guarded in
            let scene = guarded.scene
            try guarded.createAccount("writer", roles: [])
            try guarded.createAccount("reader", roles: [guarded.reading])
            try scene.insert([["_id": 1]])

            for account in ["root:wrong", "nobody:pw"] {
                let halt = try Self.error(of: scene, as: Halt.self) { $0.mongodb.uri = guarded.uri(as: account) }
                #expect(halt?.reason.contains("refused the credentials") == true, "\(account): \(String(describing: halt))")
                #expect(halt?.remedy == "Check user, password, authSource and authMechanism in mongodb.uri")
                #expect(halt?.status == .configuration)
            }
            for missing in [guarded.uri(as: "writer:pw"), guarded.anonymousURI] {
                let halts = try scene.bridge([scene.stream()]) { $0.mongodb.uri = missing }.halts()
                #expect(halts.map(\.remedy) == [Self.remedy(of: scene)])
                #expect(
                    halts.first?.reason.contains(scene.database) == true || halts.first?.reason.contains("requires authentication") == true)
            }
            // The least that the stream needs is enough.
            let bridge = try scene.bridge([scene.stream()]) { $0.mongodb.uri = guarded.uri(as: "reader:pw") }
            try scene.follow().wait(count: 1)
            #expect(try bridge.stop().isEmpty)
            #expect(scene.log.lines(containing: "retrying").isEmpty)
        }
    }

    /// When rights are taken away while the stream runs, the halt names them, and the stream continues where it was
    /// when they are back.
    @Test func rightsThatAreTakenAwayHaltTheRunningStream() async throws {
        try await GuardedMongod.play { guarded in
            let scene = guarded.scene
            try guarded.createAccount("reader", roles: [guarded.reading])
            func run() throws -> RunningBridge { try scene.bridge([scene.stream()]) { $0.mongodb.uri = guarded.uri(as: "reader:pw") } }
            func expectHalt(of bridge: RunningBridge) throws {
                let halts = try bridge.halts()
                #expect(halts.map(\.remedy) == [Self.remedy(of: scene)], "\(halts)")
                #expect(halts.map(\.status) == [.configuration])
            }

            try scene.insert([["_id": 1]])
            let first = try run()
            try scene.follow().wait(count: 1)
            try scene.command(["revokeRolesFromUser": "reader", "roles": [.document(guarded.reading)]], on: "admin")
            try expectHalt(of: first)

            try scene.insert([["_id": 2]])
            try scene.command(["grantRolesToUser": "reader", "roles": [.document(guarded.reading)]], on: "admin")
            let second = try run()
            try scene.follow().wait(count: 2)
            try scene.command(["dropUser": "reader"], on: "admin")
            try expectHalt(of: second)

            try scene.insert([["_id": 3]])
            try guarded.createAccount("reader", roles: [guarded.reading])
            let third = try run()
            try scene.follow().wait(count: 3)
            #expect(try third.stop().isEmpty)
            #expect(try scene.records().map(\.keyText) == (1...3).map { #"{"_id":{"$numberInt":"\#($0)"}}"# })
        }
    }
}
