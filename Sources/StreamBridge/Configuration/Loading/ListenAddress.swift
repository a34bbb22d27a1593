import Foundation
import NIOCore
import NIOPosix

/// Where the HTTP server listens.
struct ListenAddress: Sendable, Equatable {
    let host: String
    /// 0 for any free one.
    let port: Int

    /// Reads `host:port` as in a URI, except that no host means every address.
    init?(_ text: String) {
        guard let (host, port) = ConnectionURI.hostPort(text.hasPrefix(":") ? "0.0.0.0\(text)" : text), let port else { return nil }
        self.host = host
        self.port = port
    }

    var isLoopback: Bool { Self.isLoopback(host) }

    /// Whether a host, in lowercase and as in a URI, means this machine wherever it is looked up.
    static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "[::1]" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// The host as the system wants it: an IPv6 address without its brackets.
    var systemHost: String { host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host }

    /// Listens for a moment. Blocks.
    func tryOut() throws(ListenFailure) {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { try? group.syncShutdownGracefully() }
        do {
            try ServerBootstrap(group: group).serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: systemHost, port: port).wait().close().wait()
        } catch {
            throw ListenFailure(address: "\(host):\(port)", cause: error)
        }
    }

    /// What a browser on this machine opens.
    func page(port: Int) -> String { "http://\(host == "0.0.0.0" ? "127.0.0.1" : host == "[::]" ? "[::1]" : host):\(port)/" }
}
