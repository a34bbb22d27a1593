import Foundation
import Mongo
import Testing

@testable import StreamBridge

/// Servers that answer, and are not what the URI asks for: they have said what they are, so nobody is told to start
/// them.
@Suite struct WrongServersMongodTests {
    private static func expect(_ uri: String, says reason: String, remedy: String, status: ExitStatus, on scene: Scene) throws {
        var configuration = scene.configuration([scene.stream()])
        configuration.mongodb.uri = uri
        configuration.mongodb.serverSelectionTimeout = .milliseconds(500)
        configuration.startupTimeout = .milliseconds(500)
        let finding = try #require(try configuration.check().first { $0.subject == "MongoDB" && $0.level == .error })
        #expect(finding.text.contains(reason), "\(finding.text)")
        #expect(finding.remedy?.contains(remedy) == true, "\(finding.remedy ?? "")")
        #expect(finding.status == status)
        do {
            _ = try RunningBridge(configuration, logger: scene.log.logger).halts()
            Issue.record("the bridge has run")
        } catch let halt as Halt {
            #expect(status == .configuration && halt.reason.contains(reason) && halt.remedy.contains(remedy), "\(halt)")
        } catch let unreachable as Unreachable {
            #expect(
                status == .unreachable && unreachable.reason.contains(reason) && unreachable.remedy?.contains(remedy) == true,
                "\(unreachable)")
        }
    }

    @Test func anotherNameOfTheReplicaSet() async throws {
        try await Scene.play { scene in
            try Self.expect(
                scene.uri.replacing("replicaSet=shared", with: "replicaSet=other"), says: "belongs to replica set shared",
                remedy: "Write replicaSet=shared in mongodb.uri", status: .configuration, on: scene)
        }
    }

    @Test func aStandaloneServer() async throws {
        try await blocking {
            let server = try MongodProcess()
            defer { server.stop() }
            _ = try server.directPool().withClient { client throws(MongoError) in
                try client.command(["ping": 1], on: "admin", operation: "ping")
            }
            let scene = try Scene(uri: SharedMongod.server.get().uri)
            try Self.expect(
                "mongodb://\(server.host)/?replicaSet=rs0", says: "is a standalone server", remedy: "--replSet rs0", status: .configuration,
                on: scene)
        }
    }

    @Test func noSecondaryToReadFrom() async throws {
        try await Scene.play { scene in
            try Self.expect(
                scene.uri + "&readPreference=secondary", says: "readPreference=secondary has no member to read from",
                remedy: "readPreference=secondaryPreferred", status: .unreachable, on: scene)
        }
    }

    @Test func tagsThatNoMemberHas() async throws {
        try await Scene.play { scene in
            try Self.expect(
                scene.uri + "&readPreference=nearest&readPreferenceTags=dc:east", says: "has the tags of mongodb.uri",
                remedy: "readPreferenceTags", status: .configuration, on: scene)
        }
    }
}
