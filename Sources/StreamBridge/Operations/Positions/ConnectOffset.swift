import Foundation
import Mongo

/// What a connector of MongoDB left in Kafka Connect's offsets topic: the token of its last event.
package struct ConnectOffset: Sendable, Equatable {
    /// Whose form the offset has.
    package enum Writer: String, Sendable {
        case mongoDB = "MongoDB's connector"
        case debezium = "Debezium"
    }

    /// Why an offset gives no position.
    enum Unusable: Error, Equatable {
        /// The connector was copying the documents that were there already, so there is no place where the events
        /// continue.
        case inSnapshot
        /// Neither of the two connectors writes such an offset.
        case otherForm
        case noToken(Writer)
    }

    package let writer: Writer
    let token: ResumeToken
    /// The connector was copying documents beside its stream (Debezium's incremental snapshot). What is left of the
    /// copy is not in the token.
    package let isInIncrementalSnapshot: Bool

    /// Reads the value of a record.
    init(value: [UInt8]) throws(Unusable) {
        guard let offset = try? BSONDocument(extendedJSON: String(decoding: value, as: UTF8.self)) else { throw .otherForm }
        if offset["sec"] != nil || offset["resume_token"] != nil {
            try self.init(debezium: offset)
        } else if let id = offset["_id"]?.stringValue {
            try self.init(mongoDB: offset, id: id)
        } else {
            throw .otherForm
        }
    }

    /// `_id` is the token as JSON. While the connector copies, it is the last document's `_id` instead.
    private init(mongoDB offset: BSONDocument, id: String) throws(Unusable) {
        let id = try? BSONDocument(extendedJSON: id)
        // Flags are strings.
        if offset["copy"]?.stringValue == "true" || id?["copyingData"] != nil { throw .inSnapshot }
        guard let token = id.map(ResumeToken.init(document:)), token.data != nil else { throw .noToken(.mongoDB) }
        (writer, self.token, isInIncrementalSnapshot) = (.mongoDB, token, false)
    }

    /// `sec` and `ord` are −1 after a heartbeat and after a snapshot: only the token tells the place.
    private init(debezium offset: BSONDocument) throws(Unusable) {
        if offset["initsync"]?.booleanValue == true { throw .inSnapshot }
        guard let text = offset["resume_token"]?.stringValue, let token = Self.token(debezium: text) else { throw .noToken(.debezium) }
        (writer, self.token) = (.debezium, token)
        isInIncrementalSnapshot = offset.keys.contains { $0.hasPrefix("incremental_snapshot_") }
    }

    /// The token document as BSON in base64, or, from older versions, its `_data`.
    private static func token(debezium text: String) -> ResumeToken? {
        if !text.isEmpty, text.utf8.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) { return ResumeToken(data: text) }
        guard let bytes = Data(base64Encoded: text).map(Array.init), let document = try? BSONDocument(copying: bytes.span.bytes) else {
            return nil
        }
        let token = ResumeToken(document: document)
        return token.data == nil ? nil : token
    }
}
