import Mongo
import Runtime

/// Documents by namespace and `_id`.
struct LookedUpDocuments: Sendable {
    struct Key: Hashable, Sendable {
        let namespace: Namespace
        /// The `_id` in its one form: an event may name it by 1.0 when the document has 1, which is the same `_id` for
        /// the server.
        let id: [UInt8]
    }

    private var replies: [BSONReply] = []
    /// Size of the documents in bytes.
    private(set) var byteCount = 0
    private var places: [Key: (reply: Int, document: Range<Int>)] = [:]

    /// What an update event without its document is looked up by; nil for every other event, and for a fragment of one,
    /// which is looked up when it is whole.
    static func key(of event: ChangeEvent, in bytes: RawSpan) throws(BSONError) -> (Key, BSONElement)? {
        guard event.isUpdate, event.fullDocument == nil, event.split == nil, let documentKey = event.documentKey,
            let database = event.database, let collection = event.collection,
            let id = try element("_id", of: documentKey.value, in: bytes)
        else { return nil }
        let namespace = Namespace(database: text(database, of: bytes), collection: text(collection, of: bytes))
        return (Key(namespace: namespace, id: try canonicalBytes(of: id, in: bytes)), id)
    }

    func contains(_ key: Key) -> Bool { places[key] != nil }

    var count: Int { places.count }

    mutating func add(_ reply: BSONReply, _ documents: [Range<Int>], namespace: Namespace) {
        replies.append(reply)
        byteCount += documents.reduce(0) { $0 + $1.count }
        reply.withUnsafeBytes { buffer in
            for document in documents {
                // A document that the server has just sent; one without an `_id` could not be stored.
                guard let id = try? Self.element("_id", of: document, in: buffer.bytes),
                    let bytes = try? Self.canonicalBytes(of: id, in: buffer.bytes)
                else { continue }
                places[Key(namespace: namespace, id: bytes)] = (replies.count - 1, document)
            }
        }
    }

    /// Writes the event as the server would have sent it with `updateLookup`: `fullDocument` before `ns`, null when the
    /// document is gone.
    ///
    /// - Returns: false, with nothing written, for an event that needs no document.
    func splice(_ event: ChangeEvent, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) -> Bool {
        guard let (key, _) = try Self.key(of: event, in: bytes) else { return false }
        let place = places[key]
        let gap = event.namespace.map { $0.key.lowerBound - 1 } ?? event.range.upperBound - 1
        let length = event.range.count + 1 + "fullDocument\0".utf8.count + (place?.document.count ?? 0)
        buffer.removeAll()
        withUnsafeBytes(of: Int32(length).littleEndian) { buffer.append(contentsOf: $0) }
        buffer.append(contentsOf: bytes, in: event.range.lowerBound + 4..<gap)
        buffer.append(place == nil ? BSONType.null.rawValue : BSONType.document.rawValue)
        buffer.append("fullDocument\0")
        if let place { replies[place.reply].withUnsafeBytes { buffer.append(contentsOf: $0.bytes, in: place.document) } }
        buffer.append(contentsOf: bytes, in: gap..<event.range.upperBound)
        return true
    }

    private static func element(_ key: StaticString, of document: Range<Int>, in bytes: RawSpan) throws(BSONError) -> BSONElement? {
        var fields = try BSONCursor(document: bytes, at: document.lowerBound)
        while let field = try fields.next(in: bytes) { if field.keyEquals(key, in: bytes) { return field } }
        return nil
    }

    private static func canonicalBytes(of id: BSONElement, in bytes: RawSpan) throws(BSONError) -> [UInt8] {
        var buffer = OutputBuffer(capacity: 64)
        try CanonicalBSON.write(id, of: bytes, into: &buffer)
        return buffer.bytes()
    }

    /// The type and the bytes of an `_id`, as they are.
    static func bytes(of id: BSONElement, in bytes: RawSpan) -> [UInt8] {
        [id.type.rawValue] + id.value.map { bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
    }

    private static func text(_ range: Range<Int>, of bytes: RawSpan) -> String {
        bytes.withUnsafeBytes { String(decoding: $0[range], as: UTF8.self) }
    }
}
