import Mongo
import Runtime

/// How a stream's records carry documents, for a comparison with the documents themselves: hashes of 64 bits, different
/// in every process.
struct DocumentImage {
    /// What a record says of its key.
    enum Content: Equatable {
        /// There is no document.
        case absent
        case document(hash: Int)
        /// The record does not say: an image that was not there, or a value that this stream does not write.
        case unknown
    }

    private enum Form {
        case json(JSONMode)
        case bson
        /// Debezium's text of a document.
        case java
    }

    private let form: Form
    /// Where the document is in a whole event.
    private let path: [String]
    private let hasDebeziumKeys: Bool
    private let isWholeEvent: Bool
    private let hasImages: Bool
    /// Nil for a stream without field rules.
    private let fields: FieldRewriter?

    /// - Throws: ``Halt`` with the reason why records of this stream cannot be compared with documents.
    init(of stream: StreamSettings) throws(Halt) {
        func refused(_ reason: String) -> Halt {
            Halt(
                reason: "the records of stream \(stream.name) cannot be compared with documents: \(reason)",
                remedy: "Leave --documents out to compare the topics with the change stream", status: .configuration)
        }
        switch stream.format {
        case .relaxed: form = .json(.relaxed)
        case .canonical: form = .json(.canonical)
        case .simple: form = .json(.simple)
        case .bson: form = .bson
        case .debezium(let settings): form = settings.document == .string ? .java : .json(.relaxed)
        case .cloudevents: form = .json(.relaxed)
        case .template: throw refused("a template does not carry the document")
        }
        hasDebeziumKeys = stream.format.isDebezium
        path =
            switch stream.format {
            case .debezium: ["after"]
            case .cloudevents(.structured): ["data", "fullDocument"]
            default: ["fullDocument"]
            }
        guard stream.key == .documentKey else {
            throw refused("they are not keyed by the documentKey, so no record is the newest one of a document")
        }
        guard stream.fullDocument != .default else { throw refused("with fullDocument: default an update carries no document") }
        guard Self.passesWholeEvents(stream.pipeline) else {
            throw refused(
                "its pipeline chooses or changes documents, or leaves out some of their changes; it may have $match stages on operationType "
                    + "($in, $nin, $ne) that let insert, update, replace and delete pass")
        }
        isWholeEvent = stream.content == .event
        hasImages = stream.fullDocument == .whenAvailable
        fields = stream.fields.map { FieldRewriter($0) }
    }

    /// Nothing but `$match` stages on `operationType`, and these let every change of a document pass: after one that is
    /// left out, the newest record has an older document.
    private static func passesWholeEvents(_ pipeline: String) -> Bool {
        guard let document = try? BSONDocument(extendedJSON: "{\"pipeline\":\(pipeline)}") else { return false }
        return (document["pipeline"]?.arrayValue ?? []).allSatisfy { stage in
            guard let stage = stage.documentValue, stage.keys == ["$match"], let match = stage["$match"]?.documentValue,
                match.keys == ["operationType"], let condition = match["operationType"]?.documentValue, !condition.keys.isEmpty
            else { return false }
            return condition.keys.allSatisfy { passesChanges($0, condition[$0]) }
        }
    }

    /// Whether a condition on `operationType` is known to hold for every change of a document.
    private static func passesChanges(_ comparison: String, _ operand: BSONValue?) -> Bool {
        let changes: Set = ["insert", "update", "replace", "delete"]
        let operands = operand?.arrayValue ?? [operand].compactMap(\.self)
        let names = operands.compactMap(\.stringValue)
        switch comparison {
        case "$in": return changes.isSubset(of: names)
        // Anything but names, such as a regular expression, may leave out any of them.
        case "$nin", "$ne": return names.count == operands.count && changes.isDisjoint(with: names)
        default: return false
        }
    }

    private var isJava: Bool { if case .java = form { true } else { false } }

    // MARK: Keys

    /// The key that the bridge gives a document's records.
    func key(of document: Range<Int>, in bytes: RawSpan) -> [UInt8]? {
        var key = OutputBuffer(capacity: 64)
        guard !hasDebeziumKeys else {
            let isWritten = try? DebeziumEncoder.writeKey(ofDocument: bytes, at: document.lowerBound, into: &key)
            return isWritten == true ? key.bytes() : nil
        }
        guard var fields = try? BSONCursor(document: bytes, at: document.lowerBound) else { return nil }
        while let field = try? fields.next(in: bytes) {
            guard field.keyEquals("_id", in: bytes) else { continue }
            key.append("{")
            guard (try? ExtendedJSON.writeMember(field, of: bytes, mode: .key, into: &key)) != nil else { return nil }
            key.append("}")
            return key.bytes()
        }
        return nil
    }

    /// The `_id` in a key's text.
    func id(inKey text: String) -> BSONValue? {
        guard let key = try? BSONDocument(extendedJSON: text) else { return nil }
        guard hasDebeziumKeys else { return key["_id"] }
        return key["id"]?.stringValue.flatMap { try? BSONDocument(extendedJSON: "{\"_id\":\($0)}") }?["_id"]
    }

    // MARK: Documents

    /// Of a record's value.
    func content(of value: UnsafeRawBufferPointer?, operation: String) -> Content {
        guard let value, operation != "delete" else { return .absent }
        let content = isWholeEvent ? contentOfEvent(value) : contentOfDocument(value)
        // A post-image that has expired is not a document that is gone.
        return content == .absent && hasImages ? .unknown : content
    }

    private func contentOfDocument(_ value: UnsafeRawBufferPointer) -> Content {
        switch form {
        case .json, .java: value.elementsEqual("null".utf8) ? .absent : .document(hash: Self.hash(value))
        case .bson: value.isEmpty ? .absent : .document(hash: Self.hash(value))
        }
    }

    private func contentOfEvent(_ value: UnsafeRawBufferPointer) -> Content {
        let event: BSONDocument?
        switch form {
        case .json, .java: event = try? BSONDocument(extendedJSON: String(decoding: value, as: UTF8.self))
        case .bson: event = try? BSONDocument(copying: value)
        }
        guard var parent = event else { return .unknown }
        for name in path.dropLast() { parent = parent[name]?.documentValue ?? [:] }
        switch path.last.flatMap({ parent[$0] }) {
        case nil, .null?: return .absent
        case .string(let text)? where isJava: return .document(hash: Self.hash(text))
        case .document(let document)?: return hash(of: document).map { .document(hash: $0) } ?? .unknown
        default: return .unknown
        }
    }

    /// Of a document as the collection has it, at `offset` of a reply's bytes; `buffer` is memory to write in.
    func content(of bytes: RawSpan, at range: Range<Int>, _ buffer: inout OutputBuffer) -> Content {
        guard let fields else { return contentAsItIs(of: bytes, at: range, &buffer) }
        var published = OutputBuffer(capacity: range.count + 64)
        guard (try? fields.writeDocument(bytes, at: range.lowerBound, into: &published)) != nil else { return .unknown }
        return published.withUnsafeBytes { contentAsItIs(of: $0.bytes, at: 0..<$0.count, &buffer) }
    }

    private func contentAsItIs(of bytes: RawSpan, at range: Range<Int>, _ buffer: inout OutputBuffer) -> Content {
        switch form {
        case .bson: return .document(hash: bytes.extracting(range).withUnsafeBytes { Self.hash($0) })
        case .java:
            buffer.removeAll()
            guard (try? JavaJSON.document.writeDocument(bytes, at: range.lowerBound, into: &buffer)) != nil else { return .unknown }
            return .document(hash: Self.hash(buffer.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }))
        case .json(let mode):
            buffer.removeAll()
            guard (try? ExtendedJSON.writeDocument(bytes, at: range.lowerBound, mode: mode, into: &buffer)) != nil else { return .unknown }
            guard isWholeEvent else { return .document(hash: buffer.withUnsafeBytes { Self.hash($0) }) }
            // As a reader of the event's text gets it: what the text does not tell apart is no difference.
            let text = buffer.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
            return (try? BSONDocument(extendedJSON: text)).flatMap { hash(of: $0) }.map { .document(hash: $0) } ?? .unknown
        }
    }

    private func hash(of document: BSONDocument) -> Int? {
        switch form {
        case .bson: document.withUnsafeBytes { Self.hash($0) }
        case .json(let mode): (try? document.extendedJSON(mode)).map { Self.hash($0) }
        case .java: nil
        }
    }

    private static func hash(_ text: String) -> Int {
        var hasher = Hasher()
        hasher.combine(text)
        return hasher.finalize()
    }

    private static func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: bytes)
        return hasher.finalize()
    }
}

/// A document's key in its namespace, as 64 bits.
struct DocumentIdentity: Hashable {
    let hash: Int

    /// - Parameter key: the bytes of a record's key.
    init(namespace: String, key: UnsafeRawBufferPointer) {
        var hasher = Hasher()
        hasher.combine(ByteEqualString(namespace))
        hasher.combine(bytes: key)
        hash = hasher.finalize()
    }
}
