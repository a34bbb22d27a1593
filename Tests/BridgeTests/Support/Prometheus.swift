import Foundation

@testable import Runtime
@testable import StreamBridge

/// Prometheus' tool.
enum Promtool {
    static let path = executable("promtool")

    static func check(metrics text: String) throws -> (status: Int32, output: String) {
        let folder = try TemporaryFolder()
        let file = try folder.write(text, to: "metrics")
        let metrics = try FileHandle(forReadingFrom: URL(filePath: file))
        defer { try? metrics.close() }
        return try Tool.finish(
            ChildProcess(
                path ?? "promtool", ["check", "metrics"], input: .descriptor(metrics.fileDescriptor), output: .pipe, errors: nil))
    }

    fileprivate static func executable(_ name: String) -> String? {
        ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"].map { "\($0)/\(name)" }.first {
            FileManager.default.isExecutableFile(atPath: $0)
        }
    }
}

/// A Prometheus of its own that scrapes one bridge, for as long as it lives.
final class PrometheusServer {
    static let path = Promtool.executable("prometheus")

    private let process: ChildProcess
    private let folder = try? TemporaryFolder()
    private let port: UInt16

    /// - Parameter token: what the bridge wants.
    init(scraping bridge: UInt16, token: String) throws {
        port = try FreePort.find()
        guard let folder else { throw WaitedInVain(what: "a folder") }
        let file = try folder.write(
            """
            global: { scrape_interval: 200ms, scrape_timeout: 200ms }
            scrape_configs:
              - job_name: bridge
                authorization: { credentials: \(token) }
                static_configs: [{ targets: ["127.0.0.1:\(bridge)"] }]
            """, to: "prometheus.yml")
        process = try ChildProcess(
            Self.path ?? "prometheus",
            [
                "--config.file=\(file)", "--storage.tsdb.path=\(folder.url.appending(path: "data").path)",
                "--web.listen-address=127.0.0.1:\(port)",
            ])
        ProcessGuardian.shared?.watch(process.processIdentifier)
    }

    deinit {
        process.end()
        ProcessGuardian.shared?.forget(process.processIdentifier)
    }

    /// Asks until the answer to a query contains `text`; a server that does not listen yet has no answer.
    func wait(for text: String, in query: String) throws {
        let deadline = ContinuousClock.now + Patience.limit
        var backoff = Backoff(initial: .milliseconds(50), cap: .milliseconds(200))
        let encoded = query.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? query
        var answer = ""
        while !answer.contains(text) {
            guard .now < deadline else { throw WaitedInVain(what: "\(text) in the answer to \(query): \(answer)") }
            backoff.pause()
            answer = (try? HTTPReply(of: port, "/api/v1/query?query=\(encoded)"))?.body ?? answer
        }
    }
}
