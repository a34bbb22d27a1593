import Foundation

@testable import Runtime
@testable import StreamBridge

/// Two authorities and certificates of the first one, made by openssl in a folder that goes with its owner.
///
/// Every file has a certificate and its key, as the driver and mongod want it.
final class Certificates: Sendable {
    struct Failed: Error { let output: String }

    private let folder: TemporaryFolder

    /// The host name that the certificate `elsewhere` is for.
    static let elsewhere = "elsewhere.example"
    /// The subject of the certificate `client`, as MongoDB names its user.
    static let client = "CN=bridge,OU=Clients,O=Lessons"

    init() throws {
        folder = try TemporaryFolder()
        for authority in ["ca", "other-ca"] {
            try openssl(
                ["req", "-x509"] + Self.newKey + [
                    "-keyout", "\(authority).key", "-out", "\(authority).pem", "-days", "2", "-subj", "/O=Lessons/CN=\(authority)",
                ])
        }
        let here = "IP:127.0.0.1,DNS:localhost"
        try issue("server", "/O=Lessons/OU=Servers/CN=server", names: here, days: 2)
        try issue("elsewhere", "/O=Lessons/OU=Servers/CN=server", names: "DNS:\(Self.elsewhere)", days: 2)
        try issue("expired", "/O=Lessons/OU=Servers/CN=server", names: here, days: -1)
        try issue("client", "/O=Lessons/OU=Clients/CN=bridge", names: "DNS:client", days: 2)
        try issue("stranger", "/O=Lessons/OU=Clients/CN=stranger", names: "DNS:client", days: 2)
    }

    private static let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

    func file(_ name: String) -> String { folder.url.appending(path: "\(name).pem").path }

    var authority: String { file("ca") }
    var otherAuthority: String { file("other-ca") }

    /// For the end of a URI that has options.
    var options: String { "&tls=true&tlsCAFile=\(authority)" }

    private func issue(_ name: String, _ subject: String, names: String, days: Int) throws {
        try openssl(["req"] + Self.newKey + ["-keyout", "\(name).key", "-out", "\(name).csr", "-subj", subject])
        _ = try folder.write("subjectAltName=\(names)\n", to: "\(name).ext")
        try openssl([
            "x509", "-req", "-in", "\(name).csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "\(days)", "-extfile",
            "\(name).ext", "-out", "\(name).crt",
        ])
        let parts = try ["crt", "key"].map { try String(contentsOf: folder.url.appending(path: "\(name).\($0)"), encoding: .utf8) }
        let path = try folder.write(parts.joined(), to: "\(name).pem")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    }

    private func openssl(_ arguments: [String]) throws {
        let (status, output) = try Tool.run("openssl", arguments, in: folder.url)
        guard status == 0 else { throw Failed(output: output) }
    }

    /// Runs `body` with the port of a server that shows a certificate and does nothing else: mongod does not start with
    /// one that has expired.
    func serving<Result>(_ name: String, _ body: (UInt16) throws -> Result) throws -> Result {
        let port = try FreePort.find()
        let process = try ChildProcess("openssl", ["s_server", "-accept", "127.0.0.1:\(port)", "-cert", file(name), "-quiet"])
        defer { process.end() }
        let deadline = ContinuousClock.now + Patience.limit
        var backoff = Backoff(initial: .milliseconds(10), cap: .milliseconds(200))
        while (try? HTTPReply.Connection(to: port)) == nil {
            guard .now < deadline else { throw WaitedInVain(what: "openssl to listen") }
            backoff.pause()
        }
        return try body(port)
    }
}
