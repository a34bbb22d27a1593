import Mongo

/// The `_id` of a document, as a document of its own: the server compares it with a collection's index.
struct DocumentID: Sendable, Hashable {
    /// `{_id: …}`
    let document: BSONDocument
    var value: BSONValue { document["_id"] ?? .null }

    init(_ value: BSONValue) { document = ["_id": value] }

    /// - Parameter json: as ``canonicalJSON`` gives it.
    /// - Throws: ``ExtendedJSONError``, ``BSONError``.
    init(canonicalJSON json: String) throws {
        document = try BSONDocument(extendedJSON: "{\"_id\":\(json)}")
    }

    /// The value alone.
    ///
    /// - Throws: ``BSONError`` for text that is not UTF-8.
    func canonicalJSON() throws(BSONError) -> String {
        String(try document.extendedJSON(.canonical).dropFirst(#"{"_id":"#.utf8.count).dropLast())
    }
}

/// How far a snapshot is, as the stream's position keeps it: both are stored together, so neither is ever ahead of the other.
struct SnapshotProgress: Sendable, Equatable {
    let id: String
    /// The collection that is being copied. Those before it in the record of the snapshot are done.
    var namespace: Namespace
    /// The last document that was published; nil before the first one.
    var after: DocumentID?
    /// Published so far, of all collections.
    var documents: Int64

    /// `{"id":…,"ns":…,"after":…,"documents":…}`, with `after` as canonical Extended JSON, so that it keeps its type. It is left out before the first
    /// document: a null is the `_id` of one.
    ///
    /// - Throws: ``BSONError`` for an `_id` that is not UTF-8. Such a document cannot be published either.
    func json() throws(BSONError) -> String {
        let head: BSONDocument = ["id": .string(id), "ns": .string("\(namespace)")]
        var text = try head.extendedJSON(.relaxed)
        text.removeLast()
        if let after { text += ",\"after\":" + (try after.canonicalJSON()) }
        return text + ",\"documents\":\(documents)}"
    }

    /// Nil for what no bridge wrote.
    init?(_ document: BSONDocument) {
        guard let id = document["id"]?.stringValue, let namespace = document["ns"]?.stringValue.flatMap({ try? Namespace(parsing: $0) }),
            let documents = document["documents"]?.countValue
        else { return nil }
        self.id = id
        self.namespace = namespace
        self.documents = documents
        after = document["after"].map { DocumentID($0) }
    }

    init(id: String, namespace: Namespace, after: DocumentID?, documents: Int64) {
        self.id = id
        self.namespace = namespace
        self.after = after
        self.documents = documents
    }
}
