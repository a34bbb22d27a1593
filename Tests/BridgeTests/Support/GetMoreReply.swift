import CMongo

@testable import Mongo
@testable import StreamBridge

/// Replies as a server gives them to getMore.
enum GetMoreReply {
    static func document(_ events: [BSONDocument], token: ResumeToken?, cursor: Int64 = 7) -> BSONDocument {
        var fields: BSONDocument = ["nextBatch": .array(events.map { .document($0) })]
        if let token { fields.append("postBatchResumeToken", .document(token.document)) }
        fields.append("id", .int64(cursor))
        fields.append("ns", "lessons.inventory")
        return ["cursor": .document(fields), "ok": 1.0]
    }

    /// A reply with these bytes, as libmongoc fills one in.
    static func reply(_ document: BSONDocument) -> BSONReply {
        let reply = BSONReply()
        document.withUnsafeBytes { bytes in
            bytes.withBSON { source in
                bson_destroy(reply.pointer)
                bson_copy_to(source, reply.pointer)
            }
        }
        return reply
    }

    static func batch(_ document: BSONDocument) throws -> ChangeStreamBatch { try ChangeStreamBatch(reply: reply(document)) }
}

extension ChangeStreamReader.Batch {
    /// What the reader hands over for these events.
    static func sample(_ events: [BSONDocument], token: ResumeToken) throws -> ChangeStreamReader.Batch {
        ChangeStreamReader.Batch(events: try GetMoreReply.batch(GetMoreReply.document(events, token: token)), token: token)
    }
}
