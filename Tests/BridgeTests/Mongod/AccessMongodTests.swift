import Foundation
import Mongo
import Testing

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

    @Test func aStandaloneServerIsRefusedWithTheReason() async throws {
        try await Scene.play { scene in
            let server = try MongodProcess()
            defer { server.stop() }
            let halt = try Self.error(of: scene, as: StreamHalt.self) { $0.mongodb.uri = server.uri }
            #expect(halt?.reason == "MongoDB is a standalone server, and change streams need a replica set, because they read its oplog")
            #expect(halt?.mend == "Start mongod with --replSet rs0 and run rs.initiate() once; one member is enough")
            #expect(halt?.status == .configuration)
        }
    }

    @Test func aServerThatIsNotThereIsUnreachableAfterTheStartUpDeadline() async throws {
        try await Scene.play { scene in
            let unreachable = try Self.error(of: scene, as: Bridge.Unreachable.self) {
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
            let unreachable = try Self.error(of: scene, as: Bridge.Unreachable.self) {
                $0.kafka.common["bootstrap.servers"] = "127.0.0.1:1"
                $0.startupTimeout = .seconds(1)
            }
            #expect(unreachable?.server == "Kafka")
            #expect(unreachable?.reason.contains("Connection refused") == true)
        }
    }

    @Test func aServerOfAnotherReplicaSetIsUnreachable() async throws {
        try await Scene.play { scene in
            let unreachable = try Self.error(of: scene, as: Bridge.Unreachable.self) {
                $0.mongodb.uri = $0.mongodb.uri.replacing("replicaSet=shared", with: "replicaSet=typo")
                $0.mongodb.serverSelectionTimeout = .milliseconds(500)
                $0.startupTimeout = .seconds(1)
            }
            #expect(unreachable?.server == "MongoDB")
        }
    }

    @Test func accountsAreHeldToWhatTheyMay() async throws {
        try await blocking {
            let folder = try TemporaryFolder()
            let key = try folder.write("c2VjcmV0c2VjcmV0", to: "key")
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key)
            let server = try MongodProcess(replicaSet: "guarded", arguments: ["--keyFile", key])
            defer { server.stop() }
            // The first account can be made without one, from the server's own machine.
            try server.directPool().withClient { client in
                _ = try client.command(
                    ["replSetInitiate": ["_id": "guarded", "members": [["_id": 0, "host": .string(server.host)]]]], on: "admin",
                    operation: "initiate")
            }
            let anonymous = try MongoClientPool(
                .init(uri: server.uri, maxPoolSize: 2, serverSelectionTimeout: .seconds(60), appName: "scene"))
            try anonymous.withClient { client in
                _ = try client.command(
                    ["createUser": "root", "pwd": "pw", "roles": ["root"]], on: "admin", operation: "create an account")
            }
            func uri(_ account: String) -> String {
                server.uri.replacing("mongodb://", with: "mongodb://\(account)@") + "&authSource=admin"
            }
            let scene = try Scene(uri: uri("root:pw"))
            try scene.command(["createUser": "writer", "pwd": "pw", "roles": []], on: "admin")
            try scene.command(
                ["createUser": "reader", "pwd": "pw", "roles": [["role": "read", "db": .string(scene.database)]]], on: "admin")
            try scene.insert([["_id": 1]])

            for account in ["root:wrong", "nobody:pw"] {
                let halt = try Self.error(of: scene, as: StreamHalt.self) { $0.mongodb.uri = uri(account) }
                #expect(halt?.reason.contains("refused the credentials") == true, "\(account): \(String(describing: halt))")
                #expect(halt?.mend == "Check user, password, authSource and authMechanism in mongodb.uri")
                #expect(halt?.status == .configuration)
            }
            for missing in [uri("writer:pw"), server.uri] {
                let halts = try scene.bridge([scene.stream()]) { $0.mongodb.uri = missing }.halts()
                #expect(halts.map(\.mend) == ["Grant the account find and changeStream on what the stream watches"])
                #expect(
                    halts.first?.reason.contains(scene.database) == true || halts.first?.reason.contains("requires authentication") == true)
            }
            // The least that the stream needs is enough.
            let bridge = try scene.bridge([scene.stream()]) { $0.mongodb.uri = uri("reader:pw") }
            try scene.follow().wait(count: 1)
            #expect(try bridge.stop().isEmpty)
            #expect(scene.log.lines(containing: "retrying").isEmpty)
        }
    }
}
