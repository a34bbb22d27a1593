import Foundation
import Testing

@testable import StreamBridge

@Suite struct SecretFileTests {
    private static func file(_ mode: Int, in folder: TemporaryFolder, _ name: String = "secret") throws -> String {
        let path = try folder.write("hunter2\n", to: name)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        return path
    }

    @Test(arguments: [(0o600, false), (0o640, false), (0o400, false), (0o604, true), (0o644, true), (0o666, true)])
    func everybodysFileIsWarnedOf(mode: Int, isExposed: Bool) throws {
        let folder = try TemporaryFolder()
        let path = try Self.file(mode, in: folder)
        let warning = SecretFile.exposure(of: path)
        #expect(
            warning
                == (isExposed
                    ? "every user of this host may read the secret in \(path), which has mode 0\(String(mode, radix: 8)): chmod 600 \(path)"
                    : nil))
    }

    @Test func whatIsNoFileIsNotWarnedOf() throws {
        #expect(SecretFile.exposure(of: "/dev/null") == nil)
        #expect(SecretFile.exposure(of: "/nowhere/at/all") == nil)
    }

    /// A warning has its line and does not keep the configuration from being used.
    @Test func everyPlaceThatNamesASecretsFileIsLookedAt() throws {
        let folder = try TemporaryFolder()
        let path = try Self.file(0o644, in: folder)
        let yaml = """
            name: lessons
            mongodb:
              uri: mongodb://us:${file:secret}@127.0.0.1/?replicaSet=rs0&tls=true&tlsCAFile=\(path)&tlsCertificateKeyFile=\(path)
            kafka:
              bootstrap.servers: 127.0.0.1:9092
              ssl.ca.location: \(path)
              ssl.key.location: \(path)
              producer: { ssl.keystore.location: \(path) }
            streams: [{ name: inventory, watch: lessons.inventory }]
            """
        let checks = ConfigurationChecks(
            uriKeyFile: ConfigurationChecks.drivers.uriKeyFile, secretFile: ConfigurationChecks.drivers.secretFile)
        let loaded = try ConfigurationLoader.load(path: folder.write(yaml, to: "bridge.yaml"), environment: [:], checks: checks)
        #expect(loaded.configuration.mongodb.uri.contains("us:hunter2@"))
        #expect(
            loaded.warnings.map(\.path) == ["mongodb.uri", "kafka.ssl.key.location", "kafka.producer.ssl.keystore.location"],
            "\(loaded.warnings)")
        for warning in loaded.warnings {
            #expect("\(warning)".contains("chmod 600 \(path)"))
            #expect(!"\(warning)".contains("hunter2"))
        }
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        #expect(
            try ConfigurationLoader.load(path: folder.url.appending(path: "bridge.yaml").path, environment: [:], checks: checks).warnings
                .isEmpty)
    }
}
