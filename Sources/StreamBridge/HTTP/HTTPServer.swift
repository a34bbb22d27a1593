import Foundation
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Answers HTTP requests with ``HTTPPaths``, on one event loop's thread and Swift's own pool: never on a loop's thread.
struct HTTPServer: Sendable {
    /// More are left in the system's queue: the bridge needs its file descriptors for other connections.
    private static let maxConnections = 100
    /// How long a stop waits for an answer that is being written.
    private static let grace: TimeAmount = .seconds(1)

    let address: ListenAddress
    let paths: HTTPPaths
    let logger: Logger
    /// A connection that is not answered for so long is closed, so that those who say nothing, or one letter after
    /// another, cannot keep probes out for long.
    private let idleTime: Duration
    private let lastComplaint = LastComplaint()

    init(address: ListenAddress, paths: HTTPPaths, logger: Logger, idleTime: Duration = .seconds(10)) {
        self.address = address
        self.paths = paths
        self.logger = logger
        self.idleTime = idleTime
    }

    /// Serves until the task is cancelled.
    ///
    /// - Parameter listening: called with the port, once requests are answered.
    /// - Throws: ``ListenFailure``.
    func run(listening: @escaping @Sendable (Int) -> Void) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let port = Mutex(address.port)
        var isFirst = true
        while !Task.isCancelled {
            do {
                let listensAnew = !isFirst
                try await serve(on: group, port: port.withLock { $0 }) { [logger] found in
                    port.withLock { $0 = found }
                    if listensAnew { logger.notice("the HTTP server answers again") } else { listening(found) }
                }
                if !Task.isCancelled { logger.error("the HTTP server has ended, and begins anew: \(lastComplaint.text)") }
            } catch {
                guard !Task.isCancelled else { break }
                guard !isFirst else {
                    try? await group.shutdownGracefully()
                    throw ListenFailure(address: "\(address.host):\(address.port)", cause: error)
                }
                logger.debug("the HTTP server cannot begin anew: \(error)")
            }
            isFirst = false
            // It ends when the process has no file descriptor for a connection, which passes.
            if !Task.isCancelled { try? await group.next().scheduleTask(in: .seconds(1)) {}.futureResult.get() }
        }
        try? await group.shutdownGracefully()
    }

    /// Serves until the task is cancelled, or an error.
    private func serve(on group: MultiThreadedEventLoopGroup, port: Int, listening: @escaping @Sendable (Int) -> Void) async throws {
        let channel = HTTP1Channel(
            responder: { request, writer, channel in
                let answer = paths.answer(
                    method: request.method.rawValue, path: request.uri.path, host: request.head.authority,
                    authorization: request.headers[.authorization])
                let response = Self.response(to: request, answer)
                try await writer.write(response: response.head, body: response.body)
                channel.triggerUserOutboundEvent(RequestDeadline.Answered(), promise: nil)
            }, configuration: .init(additionalChannelHandlers: [RequestDeadline(limit: .nanoseconds(Int64(idleTime / .nanoseconds(1))))]))
        let server = Server(
            childChannelSetup: channel,
            configuration: ServerConfiguration(
                address: .hostname(address.systemHost, port: port),
                availableConnectionsDelegate: MaximumAvailableConnections(Self.maxConnections)),
            onServerRunning: { listening($0.localAddress?.port ?? port) }, eventLoopGroup: group, logger: lastComplaint.logger)
        // Not cancelled with this task: then it would take the stop for an error.
        let serving = Task { try await server.run() }
        try await withTaskCancellationHandler {
            try await serving.value
        } onCancel: {
            Task { try? await server.shutdownGracefully() }
            group.next().scheduleTask(in: Self.grace) { serving.cancel() }
        }
    }

    private static func response(to request: Request, _ answer: HTTPAnswer) -> Response {
        var headers: HTTPFields = [
            .contentType: answer.type.rawValue, .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
            .contentLength: "\(answer.body.count)", .date: Date.now.httpText,
        ]
        for (name, value) in answer.headers { if let name = HTTPField.Name(name) { headers[name] = value } }
        let body = request.method == .head ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body))
        return Response(status: .init(code: answer.status.rawValue), headers: headers, body: body)
    }
}

/// What the library says last of its troubles: why it has ended. The rest of its log repeats what the bridge says
/// itself.
private final class LastComplaint: Sendable {
    private let complaint = Mutex("no reason is known")

    var text: String { complaint.withLock { $0 } }
    var logger: Logger { Logger(label: "http") { _ in Handler(complaint: self) } }

    private struct Handler: LogHandler {
        let complaint: LastComplaint
        var logLevel = Logger.Level.error
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { complaint.complaint.withLock { $0 = "\(event.message)" } }
    }
}
