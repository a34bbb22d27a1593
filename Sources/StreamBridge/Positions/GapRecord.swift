import Mongo

/// The record that a stream publishes before it goes on past a lost position (contract, section 4).
struct GapRecord {
    let lost: LostPosition
    /// Where the stream goes on: its token when the server gave one, and its cluster time.
    let token: ResumeToken?
    let clusterTime: BSONTimestamp?
    /// Milliseconds since 1970.
    let at: Int64

    /// `bridge.<name>.gaps`.
    static func topic(bridge name: String) -> String { "bridge.\(name).gaps" }

    /// Few records, for people who may ask late.
    static let topicSettings = ["cleanup.policy": "delete", "retention.ms": "-1"]

    /// One line of JSON.
    func json(stream: String) -> [UInt8] {
        let document: BSONDocument = [
            "stream": .string(stream),
            "from": Self.place(lost.position.token, lost.clusterTime),
            "to": Self.place(token, clusterTime),
            "reason": .string("\(lost.error)"),
            "code": lost.error.code.map { .int32($0) } ?? .null,
            "at": .string(StoredPosition.iso8601(milliseconds: at)),
        ]
        // Every value here is one of ours or a token that the server or a stored record gave as valid BSON.
        return Array(((try? document.extendedJSON(.relaxed)) ?? "").utf8)
    }

    private static func place(_ token: ResumeToken?, _ time: BSONTimestamp?) -> BSONValue {
        ["token": token.map { .document($0.document) } ?? .null, "clusterTime": time.map { .string("\($0)") } ?? .null]
    }

    /// From where to where, for people.
    var range: String {
        let from = lost.clusterTime?.readable ?? "a position without a time"
        return "from \(from) to \(clusterTime?.readable ?? "now")"
    }
}
