import Mongo
import Runtime

/// A stream's field rules, applied to its events before any encoder sees them: so every format, key and header has the
/// same.
///
/// Used on one thread.
final class EventFields {
    private let rewriter: FieldRewriter
    /// The event as the rules leave it.
    private var buffer = OutputBuffer(capacity: 4 << 10)

    init(_ settings: FieldSettings) { rewriter = FieldRewriter(settings) }

    /// Lends the event as the rules leave it.
    ///
    /// - Throws: ``BSONError`` for bytes that are not BSON where the rules look, and what `body` throws.
    func withRewritten(
        _ event: ChangeEvent, of bytes: RawSpan, _ body: (ChangeEvent, RawSpan) throws(BSONError) -> Void
    ) throws(BSONError) {
        buffer.reset(keepingCapacity: 1 << 20)
        try rewriter.writeEvent(bytes, at: event.start, into: &buffer)
        try buffer.withUnsafeBytes { (rewritten) throws(BSONError) in
            try body(ChangeEvent(of: rewritten.bytes, at: 0), rewritten.bytes)
        }
    }
}
