import Mongo

/// The record that is published when a stream continues past events that it has not published (contract, section 4).
struct GapRecord: Sendable {
    /// Where a gap begins or ends.
    struct Place: Sendable {
        /// Nil when the server gave none.
        let token: ResumeToken?
        let clusterTime: BSONTimestamp?
    }

    let from: Place
    let to: Place
    let reason: String
    /// The server's, when it refused the position.
    let code: MongoError.Code?
    /// Milliseconds since 1970.
    let at: Int64

    /// Few records, for people who may ask late.
    static let topicSettings = ["cleanup.policy": "delete", "retention.ms": "-1"]

    /// One line of JSON.
    func json(stream: String) -> [UInt8] {
        let document: BSONDocument = [
            "stream": .string(stream),
            "from": from.json,
            "to": to.json,
            "reason": .string(reason),
            "code": code.map { .int32($0.rawValue) } ?? .null,
            "at": .string(StoredPosition.iso8601(milliseconds: at)),
        ]
        return document.jsonLine
    }

    /// From where to where, for people.
    var range: String {
        "from \(from.clusterTime?.readable ?? "a position without a time") to \(to.clusterTime?.readable ?? "now")"
    }
}

extension GapRecord {
    /// A stream continues past a position that the server refused.
    init(past lost: LostPosition, to place: Place, at: Int64) {
        self.init(
            from: Place(token: lost.position.token, clusterTime: lost.clusterTime), to: place, reason: "\(lost.error)",
            code: lost.error.code,
            at: at)
    }
}

extension GapRecord.Place {
    fileprivate var json: BSONValue {
        ["token": token.map { .document($0.document) } ?? .null, "clusterTime": clusterTime.map { .string("\($0)") } ?? .null]
    }
}
