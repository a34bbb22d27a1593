import Mongo

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
