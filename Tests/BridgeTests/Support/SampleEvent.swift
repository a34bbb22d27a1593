import Mongo

@testable import StreamBridge

/// Change events as a server sends them.
enum SampleEvent {
    static let second: UInt32 = 1_651_826_079

    /// - Parameters:
    ///   - number: its place in the stream; decides token and times.
    ///   - changes: applied to the finished event.
    static func insert(
        _ number: Int32, id: BSONValue? = nil, database: String = "lessons", collection: String = "inventory",
        document: BSONDocument? = nil, _ changes: (inout BSONDocument) -> Void = { _ in }
    ) -> BSONDocument {
        let id = id ?? .int32(number)
        var event = head(number, "insert")
        var full: BSONDocument = ["_id": id]
        for (key, value) in (try? (document ?? ["type": "apple", "quantity": .int32(number)]).fields()) ?? [] { full.append(key, value) }
        event.append("fullDocument", .document(full))
        event.append("ns", ["db": .string(database), "coll": .string(collection)])
        event.append("documentKey", ["_id": id])
        changes(&event)
        return event
    }

    static func delete(_ number: Int32, id: BSONValue? = nil) -> BSONDocument {
        var event = head(number, "delete")
        event.append("ns", ["db": "lessons", "coll": "inventory"])
        event.append("documentKey", ["_id": id ?? .int32(number)])
        return event
    }

    static func drop(_ number: Int32) -> BSONDocument {
        var event = head(number, "drop")
        event.append("ns", ["db": "lessons", "coll": "inventory"])
        return event
    }

    static func dropDatabase(_ number: Int32) -> BSONDocument {
        var event = head(number, "dropDatabase")
        event.append("ns", ["db": "lessons"])
        return event
    }

    static func invalidate(_ number: Int32) -> BSONDocument { head(number, "invalidate") }

    /// The token of event `number`.
    static func token(_ number: Int32) -> ResumeToken { .sample(second, UInt32(number)) }

    /// The milliseconds that event `number` has as its wall time.
    static func wallTime(_ number: Int32) -> Int64 { Int64(second) * 1000 + Int64(number) }

    private static func head(_ number: Int32, _ operation: String) -> BSONDocument {
        [
            "_id": .document(token(number).document),
            "operationType": .string(operation),
            "clusterTime": .timestamp(BSONTimestamp(seconds: second, increment: UInt32(number))),
            "wallTime": .date(milliseconds: wallTime(number)),
        ]
    }
}

extension BSONDocument {
    /// The same document with one byte string in it replaced by another of the same length, for malformed ones.
    func replacing(_ old: [UInt8], with new: [UInt8]) throws -> BSONDocument {
        precondition(old.count == new.count)
        var bytes = bytes
        let start = bytes.indices.first { bytes[$0...].starts(with: old) }
        if let start { bytes.replaceSubrange(start..<start + old.count, with: new) }
        return try bytes.withUnsafeBytes { try BSONDocument(copying: $0) }
    }
}

extension SampleEvent {
    /// An insert of a MongoDB transaction: all of its events have the cluster time of event `first`, and tokens in the
    /// order of their indexes.
    static func insert(_ number: Int32, of transaction: Int64, committedAs first: Int32) -> BSONDocument {
        let time = BSONTimestamp(seconds: second, increment: UInt32(first))
        let fields = (try? insert(number).fields()) ?? []
        var event = BSONDocument(
            fields: fields.map { key, value in
                switch key {
                case "_id": (key, .document(token(number, committedAs: first).document))
                case "clusterTime": (key, .timestamp(time))
                default: (key, value)
                }
            })
        event.append("txnNumber", .int64(transaction))
        event.append("lsid", ["id": .binary(subtype: 4, bytes: session), "uid": .binary(subtype: 0, bytes: [1, 2, 3])])
        return event
    }

    /// The token of such an event.
    static func token(_ number: Int32, committedAs first: Int32) -> ResumeToken {
        let digits = String(number + 0x1000_0000, radix: 16, uppercase: true)
        return ResumeToken(data: "\(ResumeToken.sample(second, UInt32(first)).data ?? "")\(digits)")
    }

    static func transaction(_ number: Int64, committedAs first: Int32) -> TransactionID {
        TransactionID(
            session: (0x0001_0203_0405_0607, 0x0809_0A0B_0C0D_0E0F), number: number,
            clusterTime: BSONTimestamp(seconds: second, increment: UInt32(first)))
    }

    private static let session: [UInt8] = Array(0...15)
}
