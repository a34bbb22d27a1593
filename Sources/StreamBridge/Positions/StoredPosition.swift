import Foundation
import Mongo

/// The value of a record of the positions topic (contract, section 4).
struct StoredPosition: Sendable, Equatable {
    static let version: Int32 = 1

    var stream: String
    var position: StreamPosition
    /// ``definitionHash(of:)`` of the stream that wrote it.
    var options: String
    /// Name of the replica set that the token belongs to; nil for a sharded cluster.
    var replicaSet: String?
    /// The instance that wrote it.
    var writer: String
    /// Milliseconds since 1970.
    var writtenAt: Int64

    /// - Throws: ``PositionError`` naming what is wrong.
    init(json: [UInt8]) throws(PositionError) {
        let document: BSONDocument
        do {
            document = try BSONDocument(extendedJSON: String(decoding: json, as: UTF8.self))
        } catch {
            throw .unreadable("it is not JSON")
        }
        try self.init(document)
    }

    /// - Throws: ``PositionError`` naming what is wrong.
    init(_ document: BSONDocument) throws(PositionError) {
        guard let version = document["version"]?.int64Value else { throw .unreadable("it has no version") }
        guard version == Int64(Self.version) else { throw .unreadable("its version is \(version); this bridge knows \(Self.version)") }
        guard let stream = document["stream"]?.stringValue else { throw .unreadable("it names no stream") }
        guard let token = document["token"]?.documentValue, token["_data"] != nil else { throw .unreadable("it has no token") }
        // The server says so, too, with a code that could mean a faulty pipeline as well.
        guard let data = token["_data"]?.stringValue, data.utf8.count.isMultiple(of: 2), data.allSatisfy({ $0.isASCII && $0.isHexDigit })
        else {
            throw .unreadable("its token is no hexadecimal text")
        }
        self.stream = stream
        position = StreamPosition(
            token: ResumeToken(document: token),
            wallTime: document["wallTime"]?.int64Value,
            events: try Self.count("events", of: document) ?? 0
        )
        if let transaction = document["transaction"]?.documentValue, let id = transaction["id"]?.stringValue,
            let time = position.token.clusterTime, let index = try Self.count("index", of: transaction)
        {
            position.transaction = TransactionID(id, at: time).map { TransactionPlace(id: $0, index: index) }
        }
        position.snapshot = document["snapshot"]?.documentValue.flatMap { SnapshotProgress($0) }
        options = document["options"]?.stringValue ?? ""
        replicaSet = document["replicaSet"]?.stringValue
        writer = document["writer"]?.stringValue ?? ""
        writtenAt = document["writtenAt"]?.stringValue.flatMap(Self.milliseconds(fromISO8601:)) ?? 0
    }

    /// The next event is counted on from here.
    private static func count(_ name: String, of document: BSONDocument) throws(PositionError) -> Int64? {
        guard let value = document[name], value != .null else { return nil }
        guard let count = value.countValue else {
            let found = String(decoding: BSONDocument(fields: [(name, value)]).jsonLine.prefix(100), as: UTF8.self)
            throw .unreadable("it has \(found), and nobody can have counted that")
        }
        return count
    }

    init(stream: String, position: StreamPosition, options: String, replicaSet: String?, writer: String, writtenAt: Int64) {
        self.stream = stream
        self.position = position
        self.options = options
        self.replicaSet = replicaSet
        self.writer = writer
        self.writtenAt = writtenAt
    }

    /// One line of JSON.
    var json: [UInt8] {
        let line = document.jsonLine
        guard let snapshot = position.snapshot?.json else { return line }
        return line.dropLast() + Array(#","snapshot":\#(snapshot)}"#.utf8)
    }

    /// Without the progress of a snapshot. Fields of others may follow.
    var document: BSONDocument {
        var document: BSONDocument = [
            "version": .int32(Self.version),
            "stream": .string(stream),
            "token": .document(position.token.document),
        ]
        if let time = position.token.clusterTime { document.append("clusterTime", .string("\(time)")) }
        document.append("wallTime", position.wallTime.map { .int64($0) } ?? .null)
        document.append("events", .int64(position.events))
        if let place = position.transaction {
            document.append("transaction", ["id": .string("\(place.id)"), "index": .int64(place.index)])
        }
        document.append("options", .string(options))
        document.append("replicaSet", replicaSet.map { .string($0) } ?? .null)
        document.append("writer", .string(writer))
        document.append("writtenAt", .string(Self.iso8601(milliseconds: writtenAt)))
        return document
    }

    private static let dateStyle = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    static func iso8601(milliseconds: Int64) -> String {
        // The style cuts off what is below a millisecond, and most milliseconds lie just below themselves as a
        // floating-point number: aim at the middle of one.
        Date(timeIntervalSince1970: (Double(milliseconds) + 0.5) / 1000).formatted(dateStyle)
    }

    static func milliseconds(fromISO8601 text: String) -> Int64? {
        (try? Date(text, strategy: dateStyle))?.milliseconds
    }
}

extension BSONDocument {
    /// One line of JSON, of a document whose values are ours, or a token that the server or a stored record gave as
    /// valid BSON.
    var jsonLine: [UInt8] { Array(((try? extendedJSON(.relaxed)) ?? "").utf8) }
}
