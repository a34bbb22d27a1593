import CKafka

/// One record, borrowed for the length of the call that hands it out.
package struct KafkaRecord: ~Copyable {
    let message: UnsafePointer<rd_kafka_message_t>

    package var topic: String { message.pointee.rkt.map { String(cString: rd_kafka_topic_name($0)) } ?? "" }
    package var partition: Int32 { message.pointee.partition }
    package var offset: Int64 { message.pointee.offset }
    package var coordinates: RecordCoordinates { RecordCoordinates(partition: partition, offset: offset) }
    /// Nil for a record without a key.
    package var key: [UInt8]? {
        message.pointee.key.map { Array(UnsafeRawBufferPointer(start: $0, count: message.pointee.key_len)) }
    }
    /// Nil for a tombstone.
    package var value: [UInt8]? {
        message.pointee.payload.map { Array(UnsafeRawBufferPointer(start: $0, count: message.pointee.len)) }
    }
    /// Lends the value's bytes; nil for a tombstone.
    package func withValue<Result, Failure: Error>(_ body: (UnsafeRawBufferPointer?) throws(Failure) -> Result) throws(Failure) -> Result {
        try body(message.pointee.payload.map { UnsafeRawBufferPointer(start: $0, count: message.pointee.len) })
    }
    /// Lends the key's bytes; nil for a record without one.
    func withKey<Result>(_ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
        body(message.pointee.key.map { UnsafeRawBufferPointer(start: $0, count: message.pointee.key_len) })
    }
    /// Bytes of the key and the value.
    var size: Int { message.pointee.len + message.pointee.key_len }
    /// Milliseconds since 1970, or nil when the record has none.
    package var timestamp: Int64? {
        var type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let time = rd_kafka_message_timestamp(message, &type)
        return type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? nil : time
    }
    /// The text of the last header with this name; nil when there is none, or none with a value.
    package func header(_ name: String) -> String? {
        var list: OpaquePointer?
        var value: UnsafeRawPointer?
        var size = 0
        guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list,
            rd_kafka_header_get_last(list, name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR, let value
        else { return nil }
        return String(decoding: UnsafeRawBufferPointer(start: value, count: size), as: UTF8.self)
    }
    package var headers: [(name: String, value: [UInt8]?)] {
        var list: OpaquePointer?
        guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else { return [] }
        var headers: [(name: String, value: [UInt8]?)] = []
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while rd_kafka_header_get_all(list, headers.count, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR, let text = name {
            headers.append((String(cString: text), value.map { Array(UnsafeRawBufferPointer(start: $0, count: size)) }))
        }
        return headers
    }
}
