import NIOCore

/// Closes a connection that takes longer than ``limit`` from its beginning, or from its last answer, to its next
/// answer.
///
/// However the time is spent: a header or a body that comes letter by letter, an answer that nobody takes, or nothing
/// at all. The channel's own time for idle connections begins anew with every letter.
final class RequestDeadline: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny
    typealias OutboundIn = NIOAny

    /// The event that says that a request was answered.
    struct Answered: Sendable {}

    private let limit: TimeAmount
    private var timer: Scheduled<Void>?

    init(limit: TimeAmount) { self.limit = limit }

    func handlerAdded(context: ChannelHandlerContext) { if context.channel.isActive { start(context) } }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    func channelActive(context: ChannelHandlerContext) {
        start(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is Answered else { return context.triggerUserOutboundEvent(event, promise: promise) }
        start(context)
        promise?.succeed()
    }

    private func start(_ context: ChannelHandlerContext) {
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: limit) { context.close(promise: nil) }
    }
}
