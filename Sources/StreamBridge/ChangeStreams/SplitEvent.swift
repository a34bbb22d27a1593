import Mongo
import Runtime

/// Joins the fragments of an event that the server has split because it is larger than 16 MB
/// (`$changeStreamSplitLargeEvent`).
///
/// The server splits between top-level fields, puts small ones first, and gives every fragment a token of its own and
/// `splitEvent`. The joined event has every field once, in the order in which the server sends an unsplit event, and
/// the last fragment's token: a resume after it gives the next event. Fragments follow one another, in one batch
/// or several.
struct SplitEvent {
    /// The order of an unsplit event's fields. Others come behind them, as they were sent.
    private static let order: [StaticString] = [
        "txnNumber", "lsid", "_id", "operationType", "clusterTime", "collectionUUID", "wallTime", "fullDocument", "ns", "to", "documentKey",
        "operationDescription", "updateDescription", "fullDocumentBeforeChange",
    ]

    /// How many bytes an event may have, joined. The large parts, post-image, pre-image and what the oplog's entry
    /// tells (`documentKey` and `updateDescription` together), have at most 16 MB each; only a pipeline that adds large
    /// fields gets beyond, and MongoDB 6.0 itself splits nothing above 64 MB.
    private static let maxBytes = 64 << 20

    /// Each field in full, with its type and key; the key's length tells where its value begins.
    private var fields: [(rank: Int, bytes: [UInt8])] = []
    /// Of the fields.
    private var byteCount = 0
    /// The fragments so far.
    private var count: Int32 = 0
    /// The fragments that there will be.
    private var total: Int32 = 0

    /// Some of an event's fragments are here, and some are still to come.
    var isIncomplete: Bool { count > 0 }

    /// Takes the next fragment.
    ///
    /// - Returns: whether it was the last one.
    /// - Throws: ``BSONError``; ``Halt`` for what is not the next fragment, and for an event that is too large.
    mutating func add(_ event: ChangeEvent, of bytes: RawSpan) throws -> Bool {
        guard let part = event.split, part.fragment == count + 1, part.fragment <= part.of, count == 0 || part.of == total else {
            throw outOfTurn(event.split)
        }
        count = part.fragment
        total = part.of
        let isLast = count == total
        var cursor = try BSONCursor(document: bytes, at: event.start)
        while let field = try cursor.next(in: bytes) {
            if field.keyEquals("splitEvent", in: bytes) || (field.keyEquals("_id", in: bytes) && !isLast) { continue }
            // The type is the byte before the key.
            let element = field.key.lowerBound - 1..<field.value.upperBound
            byteCount += element.count
            guard byteCount <= Self.maxBytes else { throw tooLarge }
            let rank = Self.order.firstIndex { field.keyEquals($0, in: bytes) } ?? Self.order.count
            fields.append((rank, bytes.extracting(element).withUnsafeBytes { Array($0) }))
        }
        return isLast
    }

    /// Writes the whole event, and is ready for the next one.
    mutating func join(into buffer: inout OutputBuffer) {
        let sorted = fields.enumerated().sorted { ($0.element.rank, $0.offset) < ($1.element.rank, $1.offset) }
        buffer.removeAll()
        buffer.reserve(byteCount + 5)
        buffer.appendDocument { buffer in for field in sorted { buffer.append(contentsOf: field.element.bytes) } }
        self = SplitEvent()
    }

    private func outOfTurn(_ part: (fragment: Int32, of: Int32)?) -> Halt {
        let came = part.map { "fragment \($0.fragment) of \($0.of)" } ?? "another event"
        if count == 0, let part, part.fragment > 1, part.fragment <= part.of {
            return Halt(
                reason: "MongoDB sent \(came) of a large event first, because the stream began amid that event",
                remedy: "Take the token of a whole event as the start", status: .lostPosition)
        }
        return Halt(
            reason: "MongoDB sent \(came) where fragment \(count + 1)\(count == 0 ? "" : " of \(total)") of a large event has to be",
            remedy: "The server's events are not what its documentation promises; please report it",
            status: .internalFault)
    }

    private var tooLarge: Halt {
        Halt(
            reason: "an event has more than \(Self.maxBytes >> 20) MiB in \(count) of its \(total) fragments",
            remedy: "Leave large fields out with a $project stage. The stream continues with this event", status: .configuration)
    }
}
