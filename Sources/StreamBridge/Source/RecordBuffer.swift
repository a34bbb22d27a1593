import Mongo

/// One record on its way to Kafka: key, value and header texts one after another in memory that is used again for the next record.
struct RecordBuffer: ~Copyable {
    /// A header: its constant name and where its text is.
    struct Header {
        let name: StaticString
        let text: Range<Int>
    }

    /// Which value a produced record gets.
    enum Value {
        case encoded
        /// No value at all, which is not the same as an empty one.
        case tombstone
    }

    /// Beyond this the memory goes back after a record: one large document must not stay as long as the stream.
    private static let keptCapacity = 1 << 20

    var bytes = OutputBuffer(capacity: 16 << 10)
    /// Nil for a record without a key.
    var key: Range<Int>?
    var value: Range<Int> = 0..<0
    /// Milliseconds since 1970; 0 lets the client take its own clock.
    var timestamp: Int64 = 0
    private(set) var headers: [Header] = []

    init() { headers.reserveCapacity(8) }

    mutating func reset() {
        bytes.reset(keepingCapacity: Self.keptCapacity)
        headers.removeAll(keepingCapacity: true)
        key = nil
        value = 0..<0
        timestamp = 0
    }

    /// Adds a header whose text begins at `start` and ends where the buffer ends now.
    mutating func addHeader(_ name: StaticString, from start: Int) {
        headers.append(Header(name: name, text: start..<bytes.count))
    }

    /// Makes this a record with a key and a value and nothing else.
    mutating func setPlain(key: String, value: [UInt8]) {
        reset()
        var start = bytes.count
        bytes.append(utf8Of: key)
        self.key = start..<bytes.count
        start = bytes.count
        bytes.append(contentsOf: value)
        self.value = start..<bytes.count
    }

    /// Bytes of key and value.
    var size: Int { (key?.count ?? 0) + value.count }

    /// Lends key and value; both pointers are set for an empty text, and nil only for none.
    borrowing func withKeyAndValue<Result>(
        _ value: Value, _ body: (_ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?) -> Result
    ) -> Result {
        bytes.withUnsafeBytes { memory in
            body(
                key.map { UnsafeRawBufferPointer(rebasing: memory[$0]) },
                value == .tombstone ? nil : UnsafeRawBufferPointer(rebasing: memory[self.value])
            )
        }
    }

    /// A header list for one produce call, which takes it over.
    borrowing func makeHeaders() -> KafkaHeaders {
        let list = KafkaHeaders(capacity: headers.count)
        bytes.withUnsafeBytes { memory in
            for header in headers { list.add(header.name, UnsafeRawBufferPointer(rebasing: memory[header.text])) }
        }
        return list
    }

    /// The key as text, for a message about this record.
    var keyText: String? {
        key.map { range in bytes.withUnsafeBytes { String(decoding: $0[range], as: UTF8.self) } }
    }
}
