import CKafka

/// Owner of a header list: destroyed unless librdkafka took it over with a record.
package struct KafkaHeaders: ~Copyable {
    private let list: OpaquePointer

    init(capacity: Int) { list = rd_kafka_headers_new(capacity) }

    deinit { rd_kafka_headers_destroy(list) }

    /// Copies name and value. The name's length is given, so that librdkafka does not count it again for each record.
    func add(_ name: StaticString, _ value: UnsafeRawBufferPointer) {
        name.withUTF8Buffer { utf8 in
            let text = UnsafeRawPointer(utf8.baseAddress)?.assumingMemoryBound(to: CChar.self)
            // Only a read-only list can fail, and one is read-only only while it hangs on a consumed message.
            _ = rd_kafka_header_add(list, text, utf8.count, value.baseAddress, value.count)
        }
    }

    /// Copies name and value; a nil value is a header without one.
    func add(_ name: String, _ value: [UInt8]?) {
        _ = (value ?? []).withUnsafeBufferPointer { bytes in
            rd_kafka_header_add(list, name, -1, value == nil ? nil : UnsafeRawPointer(bytes.baseAddress ?? Self.empty), bytes.count)
        }
    }

    /// librdkafka tells an empty value from none by the pointer.
    private static var empty: UnsafePointer<UInt8> { UnsafeRawPointer(StaticString("").utf8Start).assumingMemoryBound(to: UInt8.self) }

    /// The list for a call that takes it over only on success: pair it with ``release()``.
    var pointer: OpaquePointer { list }

    /// librdkafka owns the list now.
    consuming func release() { discard self }
}
