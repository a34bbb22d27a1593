import Foundation
import Logging
import Testing

@testable import Runtime
@testable import StreamBridge

/// The socket, without a bridge behind it.
@Suite struct HTTPServerTests {
    private static func paths() throws -> HTTPPaths {
        let configuration = try ConfigurationText.load(ConfigurationText.minimal()).configuration
        return HTTPPaths(
            HTTPSettings(listen: "127.0.0.1:0", token: nil),
            observer: BridgeObserver(configuration: configuration, loops: Watchdog(), stop: StopSignal()))
    }

    /// Serves while `body` runs, on a thread that may block, then stops.
    private static func serving(
        idleTime: Duration = .seconds(10), logger: Logger = .silent, _ body: @escaping @Sendable (UInt16) throws -> Void
    ) async throws {
        let address = try #require(ListenAddress("127.0.0.1:0"))
        let server = HTTPServer(address: address, paths: try paths(), logger: logger, idleTime: idleTime)
        let port = Monitor<UInt16?>(nil)
        let serving = Task { try await server.run { found in port.update { $0 = UInt16(found) } } }
        try await blocking { try body(port.wait(for: "the server") { $0 }) }
        serving.cancel()
        try await serving.value
    }

    /// Sends letters for as long as somebody takes them.
    private static func trickle(_ start: String, _ letter: String, to port: UInt16) throws {
        let connection = try HTTPReply.Connection(to: port)
        try connection.send(start)
        let deadline = ContinuousClock.now + Patience.limit
        var backoff = Backoff(initial: .milliseconds(5), cap: .milliseconds(20))
        while (try? connection.send(letter)) != nil {
            guard .now < deadline else { throw WaitedInVain(what: "the server to close \(start)") }
            backoff.pause()
        }
    }

    @Test(arguments: [
        "", "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
        "POST /status HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n",
    ])
    func aRequestThatComesLetterByLetterIsClosed(start: String) async throws {
        try await Self.serving(idleTime: .milliseconds(300)) { port in
            try Self.trickle(start, "a", to: port)
            #expect(try HTTPReply(of: port, "/healthz").status == 200)
        }
    }

    @Test func aBodyInChunksIsClosedToo() async throws {
        try await Self.serving(idleTime: .milliseconds(300)) { port in
            try Self.trickle("POST /status HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n", to: port)
        }
    }

    /// It asks again and again, and takes no answer.
    @Test func anAnswerThatNobodyTakesIsClosed() async throws {
        try await Self.serving(idleTime: .milliseconds(300)) { port in
            try Self.trickle("", String(repeating: "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", count: 20), to: port)
        }
    }

    @Test func aConnectionThatIsUsedStaysOpen() async throws {
        try await Self.serving(idleTime: .milliseconds(500)) { port in
            let connection = try HTTPReply.Connection(to: port)
            var backoff = Backoff(initial: .milliseconds(100), cap: .milliseconds(100))
            // Longer in all than one request may take.
            for _ in 0..<10 {
                try connection.send("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                #expect(try connection.read(to: "ok\n").hasPrefix("HTTP/1.1 200"))
                backoff.pause()
            }
        }
    }

    @Test func aStopIsNoErrorInTheLog() async throws {
        let log = LogRecorder()
        var logger = log.logger
        logger.logLevel = .trace
        try await Self.serving(logger: logger) { port in
            let idle = try HTTPReply.Connection(to: port)
            #expect(try HTTPReply(of: port, "/healthz").status == 200)
            withExtendedLifetime(idle) {}
        }
        #expect(log.all.isEmpty, "\(log.all)")
    }

    /// The connections would be open for an hour.
    @Test func itsEndWaitsForNoConnection() async throws {
        let observer = BridgeObserver(configuration: SampleConfiguration.make(), loops: Watchdog(), stop: StopSignal())
        let settings = HTTPSettings(listen: "127.0.0.1:0", token: nil)
        let server = HTTPServer(
            address: try #require(ListenAddress(settings.listen)), paths: HTTPPaths(settings, observer: observer), logger: .silent,
            idleTime: .seconds(3600))
        let port = Monitor<UInt16?>(nil)
        let hasEnded = Monitor(false)
        let serving = Task {
            try await server.run { number in port.update { $0 = UInt16(number) } }
            hasEnded.update { $0 = true }
        }
        try await blocking {
            let number = try port.wait(for: "the server to listen") { $0 }
            let idle = try HTTPReply.Connection(to: number)
            try idle.send("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            let half = try HTTPReply.Connection(to: number)
            try half.send("GET /heal")
            #expect(try HTTPReply(of: number, "/healthz").status == 200)
            serving.cancel()
            try hasEnded.wait(for: "the server to end") { $0 ? () : nil }
            withExtendedLifetime((idle, half)) {}
        }
    }
}
