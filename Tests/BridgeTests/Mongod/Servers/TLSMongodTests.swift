import Foundation
import Mongo
import Testing

@testable import StreamBridge

/// TLS to MongoDB, with a real authority and real certificates.
@Suite struct TLSMongodTests {
    /// Publishes one event to show that the bridge is in.
    private static func expectPublishing(_ scene: Scene, uri: String) throws {
        let bridge = try scene.bridge([scene.stream()]) { $0.mongodb.uri = uri }
        try scene.insert([["_id": 1]])
        try scene.follow().wait(count: 1)
        #expect(try bridge.stop().isEmpty)
    }

    @Test func aPasswordGoesOverTLS() async throws {
        let certificates = try Certificates()
        try await GuardedMongod.play(certificates: certificates, serverCertificate: "server") { guarded in
            try guarded.createAccount("reader", roles: [guarded.reading])
            try Self.expectPublishing(guarded.scene, uri: guarded.uri(as: "reader:pw"))
        }
    }

    /// The printed commands make the user, whose name is the certificate's subject.
    @Test func aCertificateIsALogin() async throws {
        let certificates = try Certificates()
        try await GuardedMongod.play(certificates: certificates, serverCertificate: "server") { guarded in
            let scene = guarded.scene
            let host = guarded.anonymousURI.replacing("mongodb://", with: "")
            func uri(_ certificate: String, user: String = "") -> String {
                "mongodb://\(user)\(host)\(certificates.options)&authMechanism=MONGODB-X509&tlsCertificateKeyFile=\(certificates.file(certificate))"
            }
            var configuration = scene.configuration([scene.stream()])
            let name = try #require(Certificates.client.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
            configuration.mongodb.uri = uri("client", user: "\(name)@")
            let printed = try BSONDocument(extendedJSON: MongoGrants(configuration, makesIndexes: false).json)
            for part in ["role", "user"] {
                let entry = try #require(printed[part]?.documentValue)
                try scene.command(try #require(entry["command"]?.documentValue), on: try #require(entry["db"]?.stringValue))
            }
            // Also without the name, which the server then takes from the certificate.
            try Self.expectPublishing(scene, uri: uri("client"))
            #expect(try scene.bridge([scene.stream()]) { $0.mongodb.uri = configuration.mongodb.uri }.stop().isEmpty)

            let refused = #expect(throws: Halt.self) {
                try scene.bridge([scene.stream()]) { $0.mongodb.uri = uri("stranger") }.halts()
            }
            #expect(refused?.status == .configuration)
            #expect(refused?.reason.contains("refused the credentials") == true, "\(String(describing: refused))")
        }
    }

    /// What the program says, and what it ends with, for a URI with these options.
    private static func expectEnd(
        _ scene: Scene, uri: String, status: Int32, says sentences: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(scene.yaml(top: "startupTimeout: 3s", uri: uri), to: "bridge.yaml")
        for command in ["run", "check"] {
            let program = try BridgeProgram([command, "--config", file])
            #expect(try program.exitStatus() == status, "\(command): \(program.output)\(program.errors)", sourceLocation: sourceLocation)
            for sentence in sentences {
                #expect(
                    (program.output + program.errors).contains(sentence), "\(command): \(program.output)\(program.errors)",
                    sourceLocation: sourceLocation)
            }
            #expect(!(program.output + program.errors).contains("s3cret"), sourceLocation: sourceLocation)
        }
    }

    @Test func certificatesThatAreNotToBeTrustedAreToldApart() async throws {
        let certificates = try Certificates()
        try await GuardedMongod.play(certificates: certificates, serverCertificate: "elsewhere") { guarded in
            let scene = guarded.scene
            let plain = guarded.anonymousURI.replacing("mongodb://", with: "mongodb://us:s3cret@")
            try Self.expectEnd(
                scene, uri: "\(plain)&tls=true&tlsCAFile=\(certificates.otherAuthority)", status: 78,
                says: ["the server's certificate is not signed by an authority that the bridge knows", "tlsCAFile=PATH"])
            try Self.expectEnd(
                scene, uri: plain + certificates.options, status: 78,
                says: ["the server's certificate is for another host name than the one that it was reached by", "subjectAltName"])
            try Self.expectEnd(
                scene, uri: "\(plain)&tls=true&tlsCAFile=/nowhere/ca.pem", status: 78,
                says: ["the file of tlsCAFile or of tlsCertificateKeyFile cannot be used", "are PEM"])
            try certificates.serving("expired") { port in
                try Self.expectEnd(
                    scene, uri: "mongodb://us:s3cret@127.0.0.1:\(port)/?replicaSet=guarded\(certificates.options)", status: 69,
                    says: ["the server's certificate has expired, or is not valid yet", "Renew it at the server"])
            }
        }
    }
}
