import Mongo

/// How far a snapshot is, as the stream's position keeps it: both are stored together, so neither is ever ahead of the
/// other.
struct SnapshotProgress: Sendable, Equatable {
    let id: String
    /// The collection that is being copied. Those before it in the record of the snapshot are done.
    var namespace: Namespace
    /// The last document that was published; nil before the first one.
    var after: DocumentID?
    /// Published so far, of all collections.
    var documents: Int64

    /// `{"id":…,"ns":…,"after":…,"documents":…}`, with `after` as canonical Extended JSON, so that it keeps its type.
    /// It is left out before the first document: a null is the `_id` of one. An `_id` that is not UTF-8, which `format:
    /// bson` can publish, is `afterBSON` instead, in Base64.
    var json: String {
        let head: BSONDocument = ["id": .string(id), "ns": .string("\(namespace)")]
        var text = String(decoding: head.jsonLine.dropLast(), as: UTF8.self)
        if let after {
            if let json = try? after.canonicalJSON() { text += ",\"after\":\(json)" } else { text += ",\"afterBSON\":\"\(after.base64)\"" }
        }
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
        after = document["after"].map { DocumentID($0) } ?? document["afterBSON"]?.stringValue.flatMap { DocumentID(base64: $0) }
    }

    init(id: String, namespace: Namespace, after: DocumentID?, documents: Int64) {
        self.id = id
        self.namespace = namespace
        self.after = after
        self.documents = documents
    }
}
