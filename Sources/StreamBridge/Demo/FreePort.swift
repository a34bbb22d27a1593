import Foundation

/// A TCP port on loopback that nobody listens on now.
///
/// Below those that the system gives to connections (from 32768 on with Linux, 49152 elsewhere): such a port may be
/// gone to anybody's connection before a server takes it, or while a server is restarted.
enum FreePort {
    struct None: Error {}

    private static let range: ClosedRange<UInt16> = 20_000...32_000

    static func find() throws -> UInt16 {
        for _ in 0..<100 { if let port = try take(.random(in: range)) { return port } }
        throw None()
    }

    private static func take(_ port: UInt16) throws -> UInt16? {
        // A server that starts at this moment must not keep the port.
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw None() }
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
        }
        return isBound ? port : nil
    }
}
