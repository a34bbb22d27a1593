import Foundation
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix

/// Answers HTTP requests with ``HTTPPaths``, on one event loop's thread and Swift's own pool: never on a loop's thread.
struct HTTPServer: Sendable {
    /// More are left in the system's queue: the bridge needs its file descriptors for other connections.
    private static let mostConnections = 100

    let address: ListenAddress
    let paths: HTTPPaths
    let logger: Logger
    /// A connection without a whole request for so long is closed, so that those who say nothing cannot keep probes out for long.
    var idleTime: Duration = .seconds(10)

    /// Serves until the task is cancelled.
    ///
    /// - Parameter listening: called with the port, once requests are answered.
    /// - Throws: ``ListenFailure``.
    func run(listening: @escaping @Sendable (Int) -> Void) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            try await serve(on: group, listening: listening)
        } catch {
            try? await group.shutdownGracefully()
            guard !Task.isCancelled else { return }
            throw ListenFailure(address: "\(address.host):\(address.port)", cause: error)
        }
        try? await group.shutdownGracefully()
        if !Task.isCancelled { logger.error("the HTTP server has ended: nothing answers on \(address.host):\(address.port) any more") }
    }

    private func serve(on group: MultiThreadedEventLoopGroup, listening: @escaping @Sendable (Int) -> Void) async throws {
        var quiet = logger
        // It tells at `info` what the bridge tells itself, and its own end at `error` when it is stopped. What keeps it from serving is thrown.
        if quiet.logLevel > .debug { quiet.logLevel = .critical }
        let channel = HTTP1Channel(
            responder: { request, writer, _ in
                let answer = paths.answer(
                    method: request.method.rawValue, path: request.uri.path, host: request.head.authority,
                    authorization: request.headers[.authorization])
                let response = Self.response(to: request, answer)
                try await writer.write(response: response.head, body: response.body)
            }, configuration: .init(idleTimeout: .nanoseconds(Int64(idleTime / .nanoseconds(1)))))
        let server = Server(
            childChannelSetup: channel,
            configuration: ServerConfiguration(
                address: .hostname(address.systemHost, port: address.port),
                availableConnectionsDelegate: MaximumAvailableConnections(Self.mostConnections)),
            onServerRunning: { listening($0.localAddress?.port ?? address.port) }, eventLoopGroup: group, logger: quiet)
        try await server.run()
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
