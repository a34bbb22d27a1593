import Mongo

/// The record of an edit by a person, in the topic `bridge.<name>.position-edits`; key the stream.
package struct PositionEdit: Sendable {
    package let stream: String
    /// The value of the positions topic's record before; nil when there was none.
    let old: [UInt8]?
    /// The value after; nil for a removed position.
    let new: [UInt8]?
    /// `user@host`
    package let by: String
    package let why: String?
    /// Milliseconds since 1970.
    let at: Int64

    init(stream: String, old: [UInt8]?, new: [UInt8]?, by: String, why: String?, at: Int64) {
        self.stream = stream
        self.old = old
        self.new = new
        self.by = by
        self.why = why
        self.at = at
    }

    /// Nil for what no bridge wrote.
    init?(json: [UInt8]) {
        guard let document = try? BSONDocument(extendedJSON: String(decoding: json, as: UTF8.self)),
            let stream = document["stream"]?.stringValue, let by = document["by"]?.stringValue,
            let at = document["at"]?.stringValue.flatMap(StoredPosition.milliseconds(fromISO8601:))
        else { return nil }
        self.init(
            stream: stream, old: Self.bytes(of: document["old"]), new: Self.bytes(of: document["new"]), by: by,
            why: document["why"]?.stringValue, at: at)
    }

    /// One line of JSON.
    package var json: String {
        let document: BSONDocument = [
            "stream": .string(stream), "old": Self.value(of: old), "new": Self.value(of: new), "by": .string(by),
            "why": why.map { .string($0) } ?? .null, "at": .string(time),
        ]
        // Every value here is one of ours or was read as valid BSON.
        return (try? document.extendedJSON(.relaxed)) ?? ""
    }

    package var time: String { StoredPosition.iso8601(milliseconds: at) }

    /// Where the stream was, for people; nil when it had no position.
    package var oldPlace: String? { old.map(Self.place) }
    package var newPlace: String? { new.map(Self.place) }

    private static func place(_ bytes: [UInt8]) -> String {
        guard let stored = try? StoredPosition(json: bytes) else { return "a position that cannot be read" }
        return stored.position.token.clusterTime?.readable ?? "token \(stored.position.token.text ?? "unknown")"
    }

    /// What is no JSON, the reason for many an edit, is kept as text.
    private static func value(of bytes: [UInt8]?) -> BSONValue {
        guard let bytes else { return .null }
        let text = String(decoding: bytes, as: UTF8.self)
        return (try? BSONDocument(extendedJSON: text)).map { .document($0) } ?? .string(text)
    }

    private static func bytes(of value: BSONValue?) -> [UInt8]? {
        if let document = value?.documentValue { return (try? document.extendedJSON(.relaxed)).map { Array($0.utf8) } }
        return value?.stringValue.map { Array($0.utf8) }
    }
}
