extension BSONReply {
    /// The cluster time that a cursor with read concern `snapshot` reads at, from its reply.
    package var snapshotTime: BSONTimestamp? { (try? CursorBatch(of: self, operation: "read"))?.moment }
}

/// Where the documents of a cursor's reply are.
package struct CursorBatch {
    /// The server's cursor; 0 when it has no more.
    package private(set) var cursor: Int64 = 0
    private(set) var moment: BSONTimestamp?
    /// In the reply's bytes.
    package private(set) var documents: [Range<Int>] = []

    /// - Throws: ``MongoError`` of kind `malformedReply`.
    package init(of reply: BSONReply, operation: String) throws(MongoError) {
        do {
            try reply.withUnsafeBytes { buffer throws(BSONError) in try read(buffer.bytes) }
        } catch {
            throw MongoError(kind: .malformedReply, operation: operation, message: "\(error)")
        }
    }

    private mutating func read(_ bytes: RawSpan) throws(BSONError) {
        var fields = try BSONCursor(document: bytes)
        while let field = try fields.next(in: bytes) {
            guard field.keyEquals("cursor", in: bytes), let start = field.document?.lowerBound else { continue }
            var parts = try BSONCursor(document: bytes, at: start)
            while let part = try parts.next(in: bytes) {
                if part.keyEquals("id", in: bytes) {
                    cursor = part.int64(in: bytes) ?? 0
                } else if part.keyEquals("atClusterTime", in: bytes) {
                    moment = part.timestamp(in: bytes)
                } else if part.type == .array {
                    var array = try BSONCursor(document: bytes, at: part.value.lowerBound)
                    while let element = try array.next(in: bytes) { if element.type == .document { documents.append(element.value) } }
                }
            }
        }
    }
}
