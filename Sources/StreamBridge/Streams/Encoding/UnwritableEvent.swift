import Mongo
import Runtime

/// An event that cannot be written as a record. Refused rather than skipped or repaired: whichever bytes were replaced,
/// somebody would miss them.
struct UnwritableEvent: Sendable {
    let token: String?
    let operation: String
    /// Index of its topic.
    let route: Int
    /// Of which document, for people: `lessons.inventory, {"_id":7}`.
    let document: String
    let error: BSONError
    /// It is the record's key that cannot be written, which is JSON in every format.
    private let isOfKey: Bool

    init(_ event: ChangeEvent, of bytes: RawSpan, because error: BSONError, isOfKey: Bool, route: Int) {
        func text(_ range: Range<Int>?) -> String? {
            range.map { range in bytes.withUnsafeBytes { String(decoding: $0[range], as: UTF8.self) } }
        }
        token = (try? event.resumeToken(in: bytes))??.text
        operation = text(event.operation) ?? "event"
        let namespace = [text(event.database), text(event.collection)].compactMap(\.self).joined(separator: ".")
        let key = event.documentKey.map { Self.readable($0, of: bytes) }
        document = [namespace.isEmpty ? nil : namespace, key].compactMap(\.self).joined(separator: ", ")
        self.route = route
        self.error = error
        self.isOfKey = isOfKey
    }

    /// As canonical Extended JSON; where a text in it is not UTF-8, its bytes in hexadecimal.
    private static func readable(_ key: BSONElement, of bytes: RawSpan) -> String {
        var buffer = OutputBuffer(capacity: 64)
        if (try? ExtendedJSON.writeValue(key, of: bytes, mode: .canonical, into: &buffer)) != nil {
            return buffer.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        }
        var digits = OutputBuffer(capacity: 64)
        digits.append(hexadecimalOf: bytes, in: key.value)
        let hexadecimal = digits.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        return "a document key that is not UTF-8, as BSON \(hexadecimal)"
    }

    /// - Parameters:
    ///   - stream: its name.
    ///   - isOfSnapshot: it is no event, but a document that was there already.
    func halt(format: RecordFormat, stream: String, isOfSnapshot: Bool = false) -> Halt {
        guard !isOfSnapshot else {
            return Halt(
                reason: "the document \(document.isEmpty ? "without a key" : document) of the snapshot cannot be written"
                    + (isOfKey ? ": its key: " : " as \(format): ") + "\(error)",
                remedy: "Correct the document in MongoDB, or delete it. Or " + StreamFailure.stoppingSnapshot(of: stream),
                status: .configuration)
        }
        let remedy =
            isOfKey
            ? (format.isDebezium
                ? "The key is JSON: give the document another _id, and leave this event out"
                : "The key is JSON in every format: write `key: none`, or the path of another field. Or give the document another _id, and "
                    + "leave this event out")
            : "Correct the document in MongoDB and leave this event out with a $match stage"
                + (format == .bson ? "" : ", or publish with format: bson, which passes the bytes on as they are")
        return Halt(
            reason:
                "the \(operation) of \(document.isEmpty ? "an unknown document" : document), with token \(token ?? "unknown"), cannot be written"
                + (isOfKey ? ": its key: " : " as \(format): ") + "\(error)",
            remedy: remedy + StreamFailure.leavingOut(token, of: stream), status: .configuration)
    }
}
