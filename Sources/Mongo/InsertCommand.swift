import Runtime

/// An unordered bulk of documents for one collection, written straight as the insert command that carries them.
///
/// Unordered: one document's refusal keeps no other from being written. The server still tries them in their order, so
/// of two documents with the same key the first one wins.
///
/// The memory is used again for the next bulk.
package struct InsertCommand: ~Copyable {
    private var bytes = OutputBuffer(capacity: 64 << 10)
    /// What stands before the documents.
    private let head: ArraySlice<UInt8>
    private let database: String
    /// Where the array of documents begins.
    private var start = 0

    /// Documents in the bulk.
    package private(set) var count = 0
    /// Bytes of the command so far.
    package var byteCount: Int { bytes.count }

    package init(database: String, collection: String, writeConcern: WriteConcern) {
        self.database = database
        let command: BSONDocument = ["insert": .string(collection), "ordered": false, "writeConcern": .document(writeConcern.document)]
        // Without its end, which comes behind the documents.
        head = command.bytes.dropLast()
        removeAll()
    }

    /// Begins a new bulk.
    package mutating func removeAll() {
        bytes.reset(keepingCapacity: 4 << 20)
        count = 0
        head.withUnsafeBytes { bytes.append(contentsOf: $0) }
        bytes.append(BSONType.array.rawValue)
        bytes.append(cString: "documents")
        start = bytes.count
        bytes.append(int32: 0)
    }

    /// What one command may have: a document's 16 MiB and 16 KiB, less some room for what the driver adds.
    private static let maxBytes = (16 << 20) + (15 << 10)

    /// Adds a document whose elements `body` appends.
    ///
    /// - Returns: false when the command would be larger than the server takes; the document is not in it then. In an
    ///   empty bulk that means that it never will be.
    @discardableResult
    package mutating func append(_ body: (inout OutputBuffer) -> Void) -> Bool {
        let end = bytes.count
        bytes.append(BSONType.document.rawValue)
        bytes.append(decimal: UInt64(count))
        bytes.append(0 as UInt8)
        bytes.appendDocument(body)
        guard bytes.count <= Self.maxBytes else {
            bytes.truncate(to: end)
            return false
        }
        count += 1
        return true
    }

    /// Sends the bulk to the primary and waits for the write concern. Finishes the bulk: sending it again sends the
    /// identical bytes.
    ///
    /// - Throws: ``MongoError`` when the command as a whole failed; what it wrote is unknown then, except where the
    ///   server was never reached.
    package mutating func run(on client: borrowing MongoClient, operation: String) throws(MongoError) -> WriteReply {
        close()
        let reply = try bytes.withUnsafeBytes { bytes throws(MongoError) in
            try client.runOnPrimary(bytes, on: database, operation: operation)
        }
        return try WriteReply(reply, operation: operation)
    }

    private mutating func close() {
        guard !isClosed else { return }
        bytes.append(0 as UInt8)
        bytes.setLength(at: start)
        bytes.append(0 as UInt8)
        bytes.setLength(at: 0)
    }

    /// Until then the array has no length.
    private var isClosed: Bool {
        bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: start, as: Int32.self) != 0 }
    }
}
