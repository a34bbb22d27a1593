import Mongo

/// A change event as offsets into its bytes: what routing, keys and headers need, found in one walk over its top level.
///
/// Every part is optional: a pipeline may project anything away but the token.
struct ChangeEvent {
    /// The event's document.
    let range: Range<Int>
    /// Offset of the event's document.
    var start: Int { range.lowerBound }
    /// The resume token (`_id`).
    private(set) var token: BSONElement?
    /// The text of `_id._data`, and the bytes of `_id._typeBits`, which few tokens have.
    private(set) var tokenData: Range<Int>?
    private(set) var tokenTypeBits: Range<Int>?
    /// The text of `operationType`.
    private(set) var operation: Range<Int>?
    /// The text of `ns.db` and `ns.coll`.
    private(set) var database: Range<Int>?
    private(set) var collection: Range<Int>?
    private(set) var clusterTime: (seconds: UInt32, increment: UInt32)?
    /// Milliseconds since 1970.
    private(set) var wallTime: Int64?
    private(set) var documentKey: BSONElement?
    private(set) var fullDocument: BSONElement?
    /// The whole `ns`.
    private(set) var namespace: BSONElement?
    /// The UUID of `lsid.id`, which only events of a transaction have, in two halves.
    private var session: (high: UInt64, low: UInt64)?
    private var transactionNumber: Int64?
    /// `splitEvent`: which of how many fragments of a large event this is; a number that cannot be read is 0.
    private(set) var split: (fragment: Int32, of: Int32)?
    private(set) var kind = ChangeOperation.other
    var isDelete: Bool { kind == .delete }
    var isUpdate: Bool { kind == .update }

    /// - Throws: ``BSONError`` for bytes that are no document.
    init(of bytes: RawSpan, at offset: Int) throws(BSONError) {
        var fields = try BSONCursor(document: bytes, at: offset)
        // The cursor has checked the length that the document begins with.
        range = offset..<offset + Int(Int32(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: Int32.self)))
        while let field = try fields.next(in: bytes) {
            switch field.type {
            case .document:
                if field.keyEquals("_id", in: bytes) {
                    token = field
                    try readToken(field, of: bytes)
                } else if field.keyEquals("documentKey", in: bytes) {
                    documentKey = field
                } else if field.keyEquals("fullDocument", in: bytes) {
                    fullDocument = field
                } else if field.keyEquals("ns", in: bytes) {
                    namespace = field
                    database = try Self.text(of: "db", in: field, of: bytes)
                    collection = try Self.text(of: "coll", in: field, of: bytes)
                } else if field.keyEquals("lsid", in: bytes) {
                    session = try Self.uuid(of: "id", in: field, of: bytes)
                } else if field.keyEquals("splitEvent", in: bytes) {
                    split = try Self.split(field, of: bytes)
                }
            case .string:
                if field.keyEquals("operationType", in: bytes) {
                    operation = field.text
                    if let text = field.text { kind = ChangeOperation(text, in: bytes) }
                }
            case .timestamp:
                if field.keyEquals("clusterTime", in: bytes) { clusterTime = field.timestamp(in: bytes).map { ($0.seconds, $0.increment) } }
            case .date:
                if field.keyEquals("wallTime", in: bytes) { wallTime = field.date(in: bytes) }
            case .int64:
                if field.keyEquals("txnNumber", in: bytes) { transactionNumber = field.int64(in: bytes) }
            default: continue
            }
        }
    }

    /// The transaction that the event belongs to; nil also when a pipeline has projected away what names it.
    var transaction: TransactionID? {
        guard let session, let number = transactionNumber, let time = clusterTime else { return nil }
        return TransactionID(
            session: session, number: number, clusterTime: BSONTimestamp(seconds: time.seconds, increment: time.increment))
    }

    /// The text of `to.db` and `to.coll` of a rename; nil for every other event.
    func renamedTo(in bytes: RawSpan) throws(BSONError) -> (database: Range<Int>, collection: Range<Int>)? {
        guard kind == .rename else { return nil }
        var fields = try BSONCursor(document: bytes, at: start)
        while let field = try fields.next(in: bytes) {
            guard field.type == .document, field.keyEquals("to", in: bytes),
                let database = try Self.text(of: "db", in: field, of: bytes),
                let collection = try Self.text(of: "coll", in: field, of: bytes)
            else { continue }
            return (database, collection)
        }
        return nil
    }

    private mutating func readToken(_ document: BSONElement, of bytes: RawSpan) throws(BSONError) {
        var fields = try BSONCursor(document: bytes, at: document.value.lowerBound)
        while let field = try fields.next(in: bytes) {
            if field.type == .string, field.keyEquals("_data", in: bytes) {
                tokenData = field.text
            } else if field.type == .binary, field.keyEquals("_typeBits", in: bytes) {
                tokenTypeBits = field.binary(in: bytes)?.bytes
            }
        }
    }

    private static func text(of key: StaticString, in document: BSONElement, of bytes: RawSpan) throws(BSONError) -> Range<Int>? {
        var fields = try BSONCursor(document: bytes, at: document.value.lowerBound)
        while let field = try fields.next(in: bytes) {
            if field.type == .string, field.keyEquals(key, in: bytes) { return field.text }
        }
        return nil
    }

    private static func split(_ document: BSONElement, of bytes: RawSpan) throws(BSONError) -> (fragment: Int32, of: Int32) {
        var parts: (fragment: Int32, of: Int32) = (0, 0)
        var fields = try BSONCursor(document: bytes, at: document.value.lowerBound)
        while let field = try fields.next(in: bytes) {
            if field.keyEquals("fragment", in: bytes) { parts.fragment = field.int32(in: bytes) ?? 0 }
            if field.keyEquals("of", in: bytes) { parts.of = field.int32(in: bytes) ?? 0 }
        }
        return parts
    }

    private static func uuid(
        of key: StaticString, in document: BSONElement, of bytes: RawSpan
    ) throws(BSONError) -> (high: UInt64, low: UInt64)? {
        var fields = try BSONCursor(document: bytes, at: document.value.lowerBound)
        while let field = try fields.next(in: bytes) {
            guard field.keyEquals(key, in: bytes), let binary = field.binary(in: bytes)?.bytes, binary.count == 16 else { continue }
            func half(_ offset: Int) -> UInt64 {
                UInt64(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: binary.lowerBound + offset, as: UInt64.self))
            }
            return (half(0), half(8))
        }
        return nil
    }

    /// A copy of the token's `_data`.
    func tokenData(in bytes: RawSpan) -> String? {
        tokenData.map { range in bytes.withUnsafeBytes { String(decoding: $0[range], as: UTF8.self) } }
    }

    /// A copy of the token for a position.
    func resumeToken(in bytes: RawSpan) throws(BSONError) -> ResumeToken? {
        guard let token else { return nil }
        return ResumeToken(document: try BSONDocument(copying: bytes.extracting(token.value)))
    }
}
