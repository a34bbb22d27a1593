import Foundation

/// What a server on this machine answers to one request.
struct HTTPReply {
    struct Broken: Error { let what: String }

    let status: Int
    /// By lowercase name.
    let headers: [String: String]
    let body: String

    init(of port: UInt16, _ path: String, method: String = "GET", host: String = "127.0.0.1", headers: [(String, String)] = []) throws {
        let connection = try Connection(to: port)
        let lines = ["\(method) \(path) HTTP/1.1", "Host: \(host)", "Connection: close"] + headers.map { "\($0): \($1)" }
        try connection.send(lines.joined(separator: "\r\n") + "\r\n\r\n")
        let text = try connection.readToEnd()
        guard let end = text.range(of: "\r\n\r\n") else { throw Broken(what: text) }
        let head = text[..<end.lowerBound].components(separatedBy: "\r\n")
        guard let status = head.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else { throw Broken(what: text) }
        self.status = status
        self.headers = Dictionary(
            head.dropFirst().compactMap { line in
                line.firstIndex(of: ":").map {
                    (line[..<$0].lowercased(), line[line.index(after: $0)...].trimmingCharacters(in: .whitespaces))
                }
            }
        ) { first, _ in first }
        body = String(text[end.upperBound...])
    }

    /// The value of a series, with its labels as they are written, in Prometheus' text format.
    func value(of series: String) -> Double? {
        body.split(separator: "\n").first { $0.hasPrefix("\(series) ") }?.split(separator: " ").last.flatMap { Double($0) }
    }

    /// A connection to a server on this machine, for as long as it lives.
    final class Connection {
        private let socket: Int32

        init(to port: UInt16) throws {
            #if canImport(Glibc)
                let stream = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
            #else
                let stream = SOCK_STREAM
            #endif
            socket = Foundation.socket(AF_INET, stream, 0)
            // A server that never answers must not hold the suite up.
            var limit = timeval(tv_sec: Int(Patience.limit.components.seconds), tv_usec: 0)
            setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            let connected = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
            }
            guard connected == 0 else { throw Broken(what: "connect: \(String(cString: strerror(errno)))") }
        }

        deinit { close(socket) }

        func send(_ text: String) throws {
            let bytes = Array(text.utf8)
            // A connection that the server has closed is an error, and no SIGPIPE.
            guard Foundation.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else { throw Broken(what: "send") }
        }

        /// What comes up to a text, or the end.
        func read(to end: String) throws -> String {
            var bytes: [UInt8] = []
            var byte: UInt8 = 0
            while !String(decoding: bytes, as: UTF8.self).hasSuffix(end), recv(socket, &byte, 1, 0) == 1 { bytes.append(byte) }
            return String(decoding: bytes, as: UTF8.self)
        }

        func readToEnd() throws -> String {
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while case let count = recv(socket, &buffer, buffer.count, 0), count > 0 { bytes += buffer[..<count] }
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}
