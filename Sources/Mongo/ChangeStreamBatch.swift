/// The events of one getMore, as the bytes that the server sent, and the position after them.
package final class ChangeStreamBatch: Sendable {
    private let reply: BSONReply
    /// Offsets of the array `cursor.nextBatch` in the reply.
    private let events: Range<Int>
    /// The server's cursor after this batch: 0 when it was closed by an invalidate.
    let cursor: Int64
    /// The position after every event of the batch; also moves when nothing matched.
    package let postBatchToken: ResumeToken?
    /// The newest cluster time that the server knew of; nil for a server that does not tell.
    package let clusterTime: BSONTimestamp?
    /// Size of the events in bytes.
    package var byteCount: Int { events.count }
    /// Number of events.
    package let count: Int
    /// Where the last event begins in the bytes that ``withEvents(_:)`` lends; nil without events.
    package let lastEvent: Int?

    /// - Throws: ``MongoError`` of kind `malformedReply`.
    init(reply: BSONReply) throws(MongoError) {
        do {
            let parts = try reply.withUnsafeBytes { bytes throws(BSONError) in try Parts(of: bytes.bytes) }
            guard let cursor = parts.cursor, let events = parts.events else {
                throw MongoError(kind: .malformedReply, operation: "read the change stream", message: "the reply has no batch")
            }
            self.reply = reply
            self.cursor = cursor
            self.events = events
            count = parts.count
            lastEvent = parts.lastEvent
            postBatchToken = parts.token.map { ResumeToken(document: $0) }
            clusterTime = parts.clusterTime
        } catch let error as MongoError {
            throw error
        } catch {
            throw MongoError(kind: .malformedReply, operation: "read the change stream", message: "\(error)")
        }
    }

    /// Lends the reply's bytes and a walk over the array of events in them, in order. Nothing is copied.
    ///
    /// - Throws: what `body` throws, or ``BSONError`` for an array that cannot be walked.
    package func withEvents<Result>(_ body: (_ bytes: RawSpan, _ events: BSONCursor) throws -> Result) throws -> Result {
        try reply.withUnsafeBytes { (buffer) throws in
            let bytes = buffer.bytes
            return try body(bytes, try BSONCursor(document: bytes, at: events.lowerBound))
        }
    }

    /// What is needed of the reply, found in one walk.
    private struct Parts {
        var cursor: Int64?
        var events: Range<Int>?
        var count = 0
        var lastEvent: Int?
        var token: BSONDocument?
        var clusterTime: BSONTimestamp?

        init(of bytes: RawSpan) throws(BSONError) {
            var reply = try BSONCursor(document: bytes)
            while let element = try reply.next(in: bytes) {
                if element.type == .timestamp, element.keyEquals("operationTime", in: bytes) { see(element, of: bytes) }
                guard element.type == .document else { continue }
                var fields = try BSONCursor(document: bytes, at: element.value.lowerBound)
                if element.keyEquals("$clusterTime", in: bytes) {
                    while let field = try fields.next(in: bytes) { if field.keyEquals("clusterTime", in: bytes) { see(field, of: bytes) } }
                }
                guard element.keyEquals("cursor", in: bytes) else { continue }
                while let field = try fields.next(in: bytes) {
                    if field.type == .int64, field.keyEquals("id", in: bytes) {
                        cursor = field.int64(in: bytes)
                    } else if field.type == .array, field.keyEquals("nextBatch", in: bytes) {
                        events = field.value
                        var array = try BSONCursor(document: bytes, at: field.value.lowerBound)
                        while let event = try array.next(in: bytes) {
                            count += 1
                            lastEvent = event.value.lowerBound
                        }
                    } else if field.type == .document, field.keyEquals("postBatchResumeToken", in: bytes) {
                        token = try BSONDocument(copying: bytes.extracting(field.value))
                    }
                }
            }
        }

        /// Keeps the newest of the reply's times.
        private mutating func see(_ field: BSONElement, of bytes: RawSpan) {
            guard let time = field.timestamp(in: bytes) else { return }
            clusterTime = max(clusterTime ?? time, time)
        }
    }
}
