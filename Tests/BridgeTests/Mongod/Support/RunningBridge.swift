import Logging

@testable import Runtime
@testable import StreamBridge

/// A bridge that runs in this process, driven from a thread that may block.
final class RunningBridge: Sendable {
    private struct State {
        var running: Bridge.Running?
        var page: String?
        var end: Result<[Halt], any Error>?
    }

    private let bridge: Bridge
    private let state = Monitor(State())

    init(_ configuration: BridgeConfiguration, logger: Logger) {
        let bridge = Bridge(configuration: configuration, logger: logger)
        self.bridge = bridge
        let state = state
        Task.detached {
            let end: Result<[Halt], any Error>
            do {
                end = .success(
                    try await bridge.run(
                        listening: { page in state.update { $0.page = page } },
                        started: { running in state.update { $0.running = running } }))
            } catch {
                end = .failure(error)
            }
            state.update { $0.end = end }
        }
    }

    deinit { bridge.requestStop() }

    /// The streams' states, once both servers were reached.
    func streams() throws -> [StreamStatus] { try running().streams }

    /// The dispatchers' states, once both servers were reached.
    func dispatchers() throws -> [DispatchStatus] { try running().dispatchers }

    private func running() throws -> Bridge.Running {
        try state.wait(for: "the bridge to start") { state in
            if case .failure(let error)? = state.end { return Result<Bridge.Running, any Error>.failure(error) }
            return state.running.map { .success($0) }
        }.get()
    }

    /// The loops that would be stuck if none gave another sign of life for an hour: those that are awake now.
    var loopsAwake: Set<String> { Set(bridge.loops.stuckLoops(at: .now + .seconds(3600)).map(\.name)) }

    /// Asks the bridge's HTTP server, once it listens.
    func ask(_ path: String, method: String = "GET", host: String = "127.0.0.1", headers: [(String, String)] = []) throws -> HTTPReply {
        try HTTPReply(of: port(), path, method: method, host: host, headers: headers)
    }

    /// Asks until the answer is as wanted.
    @discardableResult
    func ask(_ path: String, until what: String, _ isWanted: (HTTPReply) throws -> Bool) throws -> HTTPReply {
        let deadline = ContinuousClock.now + Patience.limit
        var backoff = Backoff(initial: .milliseconds(10), cap: .milliseconds(200))
        while true {
            let reply = try ask(path)
            if try isWanted(reply) { return reply }
            guard .now < deadline else { throw WaitedInVain(what: "\(what) at \(path); it says \(reply.body)") }
            backoff.pause()
        }
    }

    /// The port of the bridge's HTTP server, once it listens.
    func port() throws -> UInt16 {
        let page = try state.wait(for: "the HTTP server to listen") { state in
            if case .failure(let error)? = state.end { return Result<String, any Error>.failure(error) }
            return state.page.map { .success($0) }
        }.get()
        guard let port = page.split(separator: ":").last.flatMap({ UInt16($0.dropLast()) }) else {
            throw WaitedInVain(what: "a port in \(page)")
        }
        return port
    }

    func status(of stream: String) throws -> StreamStatus.Snapshot {
        guard let status = try streams().first(where: { $0.stream == stream }) else { throw WaitedInVain(what: "stream \(stream)") }
        return status.snapshot
    }

    /// Asks for a graceful stop and waits for it.
    ///
    /// - Returns: the halts.
    @discardableResult
    func stop() throws -> [Halt] {
        bridge.requestStop()
        return try halts()
    }

    func requestStop() { bridge.requestStop() }

    /// Waits until the bridge has ended by itself.
    func halts() throws -> [Halt] { try state.wait(for: "the bridge to end") { $0.end }.get() }

    var isRunning: Bool { state.value.end == nil }
}
