import Runtime

/// Encoded records on their way to Kafka: keys, values and header texts one after another in memory that is used again
/// for the next batch.
///
/// Records are produced a batch at a time for the sake of librdkafka's broker thread: a record that is produced while
/// that thread sleeps wakes it up, and it sends what it finds. Records that come one by one, an encoding apart, would
/// each find it asleep and travel in tiny requests; records that come together travel together. A lone event is a batch
/// of one and waits for nothing: the linger adapts itself.
package struct RecordBatch: ~Copyable {
    /// A header: its constant name and where its text is.
    package struct Header {
        package let name: StaticString
        package let text: Range<Int>
    }

    package struct Record {
        /// Index of the record's route in its router.
        package let route: Int
        /// Nil for a record without a key.
        package var key: Range<Int>?
        /// Nil for a tombstone, which is not the same as an empty value.
        package var value: Range<Int>?
        /// In the batch's list of headers.
        package var headers: Range<Int>
        /// Milliseconds since 1970; 0 lets the client take its own clock.
        var timestamp: Int64
        /// Where the record's event is in the bytes that it was read from.
        package let event: Int

        package init(route: Int, key: Range<Int>? = nil, value: Range<Int>? = nil, headers: Range<Int>, timestamp: Int64, event: Int) {
            self.route = route
            self.key = key
            self.value = value
            self.headers = headers
            self.timestamp = timestamp
            self.event = event
        }
    }

    /// When a batch is large enough: far more records than one request needs, and memory that still fits a processor's
    /// cache.
    private static let maximum = (records: 256, bytes: 512 << 10)
    /// Beyond this the memory goes back: one large document must not stay as long as the stream.
    private static let keptCapacity = 1 << 20

    package var bytes = OutputBuffer(capacity: 64 << 10)
    package private(set) var records: [Record] = []
    package private(set) var headers: [Header] = []

    package init() {
        records.reserveCapacity(Self.maximum.records + 1)
        headers.reserveCapacity(10 * Self.maximum.records + 8)
    }

    /// Makes room for an event of `size` bytes at once, when it is a large one: memory that grows by and by is in use
    /// twice for moments.
    package mutating func reserve(_ size: Int) { if size > Self.keptCapacity { bytes.reserve(size + size / 8) } }

    package var isFull: Bool { records.count >= Self.maximum.records || bytes.count >= Self.maximum.bytes }

    package mutating func removeAll() {
        bytes.reset(keepingCapacity: Self.keptCapacity)
        records.removeAll(keepingCapacity: true)
        headers.removeAll(keepingCapacity: true)
    }

    package mutating func append(_ record: Record) { records.append(record) }

    /// Takes back what was written for a record that could not be finished.
    package mutating func truncate(bytes count: Int, headers headerCount: Int) {
        bytes.truncate(to: count)
        headers.removeLast(headers.count - headerCount)
    }

    /// Adds a header whose text begins at `start` and ends where the bytes end now.
    package mutating func addHeader(_ name: StaticString, from start: Int) {
        headers.append(Header(name: name, text: start..<bytes.count))
    }

    /// A batch of one record with a key and a value and nothing else.
    package mutating func setPlain(key: String, value: [UInt8]) {
        removeAll()
        appendPlain(key: key) { $0.append(contentsOf: value) }
    }

    /// Adds a record with a key and a value, which `write` appends, and nothing else.
    package mutating func appendPlain(key: String, event: Int = 0, _ write: (inout OutputBuffer) -> Void) {
        let start = bytes.count
        bytes.append(utf8Of: key)
        let end = bytes.count
        write(&bytes)
        append(Record(route: 0, key: start..<end, value: end..<bytes.count, headers: 0..<0, timestamp: 0, event: event))
    }

    /// Bytes of a record's key, value and headers.
    package borrowing func size(of record: Record) -> Int {
        headers[record.headers].reduce((record.key?.count ?? 0) + (record.value?.count ?? 0)) {
            $0 + $1.name.utf8CodeUnitCount + $1.text.count
        }
    }

    /// The resume token of a record's event.
    package borrowing func token(of record: Record) -> String? {
        headers[record.headers].first { $0.name.description == "mongodb.token" }.map { header in
            bytes.withUnsafeBytes { String(decoding: $0[header.text], as: UTF8.self) }
        }
    }

    /// A record's key as text, for a message about it.
    package borrowing func keyText(of record: Record) -> String? {
        record.key.map { range in bytes.withUnsafeBytes { String(decoding: $0[range], as: UTF8.self) } }
    }
}
