import CMongo

/// Owner of a reply that libmongoc filled in: immutable bytes, freed with it.
///
/// `bson_t` wants an alignment of 128 bytes, more than Swift gives a struct, so its memory is allocated here and only
/// its address is passed (`bson_t *` imports as `OpaquePointer`). libmongoc initialises a reply in any case, on failure
/// too.
package final class BSONReply {
    private let memory: UnsafeMutableRawPointer
    let pointer: OpaquePointer

    init() {
        memory = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 128)
        pointer = OpaquePointer(memory)
        // Initialised at once, so that `deinit` is right whether or not a call fills it: an empty inline document owns
        // no memory.
        bson_init(pointer)
    }

    deinit {
        bson_destroy(pointer)
        memory.deallocate()
    }

    /// The document's bytes, borrowed for the length of the call.
    package func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard let start = bson_get_data(pointer) else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        // The first four bytes are the length (bsonspec.org); libmongoc has checked them against what it received.
        let length = UnsafeRawPointer(start).loadUnaligned(as: UInt32.self)
        return try body(UnsafeRawBufferPointer(start: start, count: Int(UInt32(littleEndian: length))))
    }

    /// A copy for code off the hot path.
    ///
    /// - Throws: ``MongoError`` of kind `malformedReply`.
    func document(operation: String) throws(MongoError) -> BSONDocument {
        do {
            return try withUnsafeBytes { (bytes) throws(BSONError) in try BSONDocument(copying: bytes) }
        } catch {
            throw MongoError(kind: .malformedReply, operation: operation, message: "\(error)")
        }
    }

    /// The labels of an error reply.
    var labels: [String] {
        guard let document = try? document(operation: "read an error reply"), let labels = document["errorLabels"]?.arrayValue else {
            return []
        }
        return labels.compactMap(\.stringValue)
    }
}

// Safe: after the call that fills it nothing changes the document; it is handed from the reading to the publishing
// thread whole.
extension BSONReply: @unchecked Sendable {}
