import CKafka

/// Hears of a client's requests and of their responses, for what librdkafka has no event for. On the client's own
/// threads: quick, and without locks.
protocol RequestObserver: AnyObject, Sendable {
    /// - Parameter key: the ApiKey of the Kafka protocol.
    func sent(_ key: Int16)
    func answered(_ key: Int16, _ error: rd_kafka_resp_err_t)
}

/// Hands a client's requests to those who observe them.
///
/// Its client owns it and is destroyed before it, so the pointer that librdkafka keeps is always good.
final class RequestInterceptor: Sendable {
    private let observers: [any RequestObserver]

    init(_ observers: [any RequestObserver]) { self.observers = observers }

    /// Before the client is made.
    func install(in conf: OpaquePointer) {
        rd_kafka_conf_interceptor_add_on_new(
            conf, "requests",
            { client, _, interceptor, _, _ in
                rd_kafka_interceptor_add_on_request_sent(
                    client, "requests",
                    { _, _, _, _, key, _, _, _, interceptor in
                        RequestInterceptor.at(interceptor) { $0.sent(key) }
                        return RD_KAFKA_RESP_ERR_NO_ERROR
                    }, interceptor)
                return rd_kafka_interceptor_add_on_response_received(
                    client, "requests",
                    { _, _, _, _, key, _, _, _, _, error, interceptor in
                        RequestInterceptor.at(interceptor) { $0.answered(key, error) }
                        return RD_KAFKA_RESP_ERR_NO_ERROR
                    }, interceptor)
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    private static func at(_ pointer: UnsafeMutableRawPointer?, _ tell: (any RequestObserver) -> Void) {
        guard let pointer else { return }
        Unmanaged<RequestInterceptor>.fromOpaque(pointer).takeUnretainedValue().observers.forEach(tell)
    }
}
