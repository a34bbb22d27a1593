import Foundation
import Mongo

@testable import StreamBridge

/// A replica set of one that wants a login. Its account `root` (password `pw`) may do everything.
struct GuardedMongod: Sendable {
    private let server: MongodProcess
    /// TLS is required; nil for plain text.
    private let certificates: Certificates?
    /// At this server, as `root`.
    let scene: Scene

    /// Runs `body` with a server of its own. What `body` made of it is gone before the server is: a pool of clients
    /// says goodbye to it, and would look for it for a minute.
    ///
    /// - Parameter serverCertificate: one of `certificates`, which asks for TLS; nil for plain text.
    static func play(
        certificates: Certificates? = nil, serverCertificate: String? = nil, _ body: @escaping @Sendable (GuardedMongod) throws -> Void
    ) async throws {
        try await blocking {
            let folder = try TemporaryFolder()
            let key = try folder.write("c2VjcmV0c2VjcmV0", to: "key")
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key)
            var arguments = ["--keyFile", key]
            if let certificates, let serverCertificate {
                arguments += [
                    "--tlsMode", "requireTLS", "--tlsCertificateKeyFile", certificates.file(serverCertificate), "--tlsCAFile",
                    certificates.authority, "--tlsAllowConnectionsWithoutCertificates",
                ]
            }
            let server = try MongodProcess(replicaSet: "guarded", arguments: arguments)
            defer { server.stop() }
            // The scene's own connections take any host name: what the name means is for the test.
            let options = certificates.map { $0.options + "&tlsAllowInvalidHostnames=true" } ?? ""
            try createRoot(on: server, options: options)
            let root = uri(of: server, as: "root:pw") + options
            try body(GuardedMongod(server: server, certificates: certificates, scene: Scene(uri: root)))
        }
    }

    /// The first account can be made without one, from the server's own machine.
    private static func createRoot(on server: MongodProcess, options: String) throws {
        func pool(_ uri: String) throws -> MongoClientPool {
            try MongoClientPool(.init(uri: uri + options, maxPoolSize: 2, serverSelectionTimeout: Patience.limit, appName: "scene"))
        }
        try pool("mongodb://\(server.host)/?directConnection=true").withClient { client in
            _ = try client.command(
                ["replSetInitiate": ["_id": "guarded", "members": [["_id": 0, "host": .string(server.host)]]]], on: "admin",
                operation: "initiate")
        }
        try pool(server.uri).withClient { client in
            _ = try client.command(["createUser": "root", "pwd": "pw", "roles": ["root"]], on: "admin", operation: "create an account")
        }
    }

    /// Without a login, and without TLS.
    var anonymousURI: String { server.uri }

    /// - Parameter account: `user:password`.
    func uri(as account: String) -> String { Self.uri(of: server, as: account) + (certificates?.options ?? "") }

    private static func uri(of server: MongodProcess, as account: String) -> String {
        server.uri.replacing("mongodb://", with: "mongodb://\(account)@") + "&authSource=admin"
    }

    func createAccount(_ user: String, roles: [BSONDocument]) throws {
        try scene.command(["createUser": .string(user), "pwd": "pw", "roles": .array(roles.map { .document($0) })], on: "admin")
    }

    /// An account that may do this and nothing else.
    func createAccount(_ user: String, privileges: [BSONValue]) throws {
        try scene.command(["createRole": .string(user), "privileges": .array(privileges), "roles": []], on: "admin")
        try scene.command(["createUser": .string(user), "pwd": "pw", "roles": [.string(user)]], on: "admin")
    }

    /// What a stream over the scene's database needs.
    var reading: BSONDocument { ["role": "read", "db": .string(scene.database)] }
}
