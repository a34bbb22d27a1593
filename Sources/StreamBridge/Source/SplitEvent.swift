import Mongo

/// Joins the fragments of an event that the server has split because it is larger than 16 MB (`$changeStreamSplitLargeEvent`).
///
/// The server splits between top-level fields, puts small ones first, and gives every fragment a token of its own and `splitEvent`. The joined event has every
/// field once, in the order in which the server sends an unsplit event, and the last fragment's token: whoever resumes after it gets the next
/// event. Fragments follow one another, in one batch or several.
struct SplitEvent {
    /// The order of an unsplit event's fields. Others come behind them, as they were sent.
    private static let order: [StaticString] = [
        "_id", "operationType", "clusterTime", "wallTime", "txnNumber", "lsid", "collectionUUID", "fullDocument", "ns", "to", "documentKey",
        "operationDescription", "updateDescription", "fullDocumentBeforeChange",
    ]

    /// Each field in full, with its type and key; the key's length tells where its value begins.
    private var fields: [(rank: Int, bytes: [UInt8])] = []
    /// The fragments so far.
    private var count: Int32 = 0

    /// Some of an event's fragments are here, and some are still to come.
    var isIncomplete: Bool { count > 0 }

    /// Takes the next fragment.
    ///
    /// - Returns: whether it was the last one.
    /// - Throws: ``BSONError``; ``StreamHalt`` for a fragment out of its turn.
    mutating func add(_ event: ChangeEvent, _ split: (fragment: Int32, of: Int32), of bytes: RawSpan) throws -> Bool {
        guard split.fragment == count + 1, split.fragment <= split.of else {
            throw StreamHalt(
                reason: "MongoDB sent fragment \(split.fragment) of \(split.of) of a large event after fragment \(count)",
                mend: "A start amid such an event cannot be used: take the token of a whole event", status: .lostPosition)
        }
        count = split.fragment
        let isLast = split.fragment == split.of
        var cursor = try BSONCursor(document: bytes, at: event.start)
        while let field = try cursor.next(in: bytes) {
            if field.keyEquals("splitEvent", in: bytes) || (field.keyEquals("_id", in: bytes) && !isLast) { continue }
            let rank = Self.order.firstIndex { field.keyEquals($0, in: bytes) } ?? Self.order.count
            // The type is the byte before the key.
            let element = field.key.lowerBound - 1..<field.value.upperBound
            fields.append((rank, bytes.extracting(element).withUnsafeBytes { Array($0) }))
        }
        return isLast
    }

    /// Writes the whole event, and is ready for the next one.
    mutating func join(into buffer: inout OutputBuffer) {
        let sorted = fields.enumerated().sorted { ($0.element.rank, $0.offset) < ($1.element.rank, $1.offset) }
        fields.removeAll()
        count = 0
        buffer.removeAll()
        buffer.reserve(sorted.reduce(16) { $0 + $1.element.bytes.count })
        buffer.appendDocument { buffer in for field in sorted { buffer.append(contentsOf: field.element.bytes) } }
    }
}
