import CKafka
import Logging

/// Owner of one event of a client's queue.
struct KafkaEvent: ~Copyable {
    let pointer: OpaquePointer

    init(stealing pointer: OpaquePointer) { self.pointer = pointer }

    deinit { rd_kafka_event_destroy(pointer) }

    var type: Int32 { rd_kafka_event_type(pointer) }

    /// The error that this event reports.
    func error(operation: String) -> KafkaError {
        KafkaError(
            code: KafkaError.Code(rd_kafka_event_error(pointer)),
            operation: operation,
            message: String(cString: rd_kafka_event_error_string(pointer)),
            isFatal: rd_kafka_event_error_is_fatal(pointer) != 0
        )
    }

    /// Passes a log event on. librdkafka's levels are syslog's.
    func log(to logger: Logger) {
        var facility: UnsafePointer<CChar>?
        var text: UnsafePointer<CChar>?
        var level: Int32 = 0
        guard rd_kafka_event_log(pointer, &facility, &text, &level) == 0, let text else { return }
        // A lost connection is told once, as a state, by the owner of the client; librdkafka repeats it at every try.
        logger.debug("\(String(cString: text))", metadata: ["syslog": "\(level)"])
    }
}
