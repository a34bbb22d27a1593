import Testing

@testable import StreamBridge

@Suite struct HTTPServerTests {
    /// The connections would be open for an hour.
    @Test func itsEndWaitsForNoConnection() async throws {
        let observer = BridgeObserver(configuration: SampleConfiguration.make(), loops: LoopWatch(), stop: StopSignal())
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
