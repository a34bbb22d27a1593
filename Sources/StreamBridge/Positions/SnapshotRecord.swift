import Foundation
import Mongo
import Runtime

/// A snapshot as its ledger keeps it: the value of a record of the topic `bridge.<name>.snapshots`.
package struct SnapshotRecord: Sendable, Equatable {
    package enum State: String, Sendable, CaseIterable {
        case running, stopped, done, failed
    }

    /// A collection's part.
    package struct Part: Sendable, Equatable {
        package enum State: String, Sendable, CaseIterable {
            case waiting, running, done
            /// The collection was dropped or renamed, or is watched no more.
            case ended
        }

        package let namespace: Namespace
        package var state = State.waiting
        /// Published so far.
        package var documents: Int64 = 0
        /// In the collection when the snapshot began, by its metadata.
        package var estimated: Int64 = 0
        /// Only documents that match, as Extended JSON.
        package var filter: String?
        /// Of the collection, when the server tells it.
        var uuid: [UInt8]?
        /// Where a snapshot that was stopped continues: behind this document.
        var after: DocumentID?

        package init(_ namespace: Namespace, filter: String? = nil) {
            self.namespace = namespace
            self.filter = filter
        }
    }

    static let version: Int32 = 1

    package let id: String
    package let stream: String
    package var state = State.running
    /// Why it is stopped or failed.
    package var reason: String?
    /// `user@host`, or the bridge's instance for the one that a stream begins with.
    package let by: String
    package let why: String?
    /// Where its records go instead of the stream's topics.
    package let topic: String?
    /// Only documents that match, of every collection, as Extended JSON; nil for the filters of the parts.
    package let filter: String?
    /// In the order in which they are copied. Empty until the snapshot begins, when it is of all collections of the
    /// stream.
    package var parts: [Part]
    /// Milliseconds since 1970.
    package var startedAt: Int64
    package var endedAt: Int64?

    /// Published so far.
    package var documents: Int64 { parts.reduce(0) { $0 + $1.documents } }
    package var estimated: Int64 { parts.reduce(0) { $0 + $1.estimated } }
    /// Of the collections that are not done, by the estimate.
    package var remaining: Int64 {
        parts.reduce(0) { $0 + ($1.state == .waiting || $1.state == .running ? max(0, $1.estimated - $1.documents) : 0) }
    }

    init(
        id: String, stream: String, by: String, why: String? = nil, topic: String? = nil, filter: String? = nil,
        parts: [Part] = [], startedAt: Int64 = WallClock.milliseconds()
    ) {
        self.id = id
        self.stream = stream
        self.by = by
        self.why = why
        self.topic = topic
        self.filter = filter
        self.parts = parts
        self.startedAt = startedAt
    }

    /// The part that is being copied, or comes next; nil when all are done.
    var current: Int? { parts.firstIndex { $0.state == .running } ?? parts.firstIndex { $0.state == .waiting } }

    /// Takes over how far the stream's position says that it is.
    mutating func apply(_ progress: SnapshotProgress?) {
        guard let progress, progress.id == id, let index = parts.firstIndex(where: { $0.namespace == progress.namespace }) else { return }
        for earlier in parts[..<index].indices where parts[earlier].state == .waiting || parts[earlier].state == .running {
            parts[earlier].state = .done
        }
        let others = parts.indices.reduce(0) { $0 + ($1 == index ? 0 : parts[$1].documents) }
        parts[index].state = .running
        parts[index].documents = max(0, progress.documents - others)
        parts[index].after = progress.after
    }

    /// The same with how far the stream's position says that it is.
    func merging(_ progress: SnapshotProgress?) -> SnapshotRecord {
        var merged = self
        if state == .running { merged.apply(progress) }
        return merged
    }

    /// The same, at its end.
    func failed(because reason: String) -> SnapshotRecord {
        var failed = self
        failed.state = .failed
        failed.reason = reason
        failed.endedAt = WallClock.milliseconds()
        return failed
    }

    // MARK: JSON

    /// One line of JSON.
    package var json: [UInt8] { document.jsonLine }

    /// What ``json`` has.
    var document: BSONDocument {
        [
            "version": .int32(Self.version), "snapshot": .string(id), "stream": .string(stream), "state": .string(state.rawValue),
            "reason": .text(reason), "by": .string(by), "why": .text(why), "topic": .text(topic),
            "filter": .text(filter), "collections": .array(parts.map { .document($0.document) }), "documents": .int64(documents),
            "startedAt": .string(StoredPosition.iso8601(milliseconds: startedAt)),
            "endedAt": .text(endedAt.map(StoredPosition.iso8601)),
        ]
    }

    /// Nil for what no bridge wrote.
    init?(json: [UInt8]) {
        guard let document = try? BSONDocument(extendedJSON: String(decoding: json, as: UTF8.self)),
            document["version"]?.int64Value == Int64(Self.version), let id = document["snapshot"]?.stringValue,
            let stream = document["stream"]?.stringValue, let state = document["state"]?.stringValue.flatMap(State.init),
            let startedAt = document["startedAt"]?.stringValue.flatMap(StoredPosition.milliseconds(fromISO8601:))
        else { return nil }
        self.init(
            id: id, stream: stream, by: document["by"]?.stringValue ?? "", why: document["why"]?.stringValue,
            topic: document["topic"]?.stringValue, filter: document["filter"]?.stringValue,
            parts: (document["collections"]?.arrayValue ?? []).compactMap { $0.documentValue.flatMap { Part($0) } }, startedAt: startedAt)
        self.state = state
        reason = document["reason"]?.stringValue
        endedAt = document["endedAt"]?.stringValue.flatMap(StoredPosition.milliseconds(fromISO8601:))
    }
}

extension SnapshotRecord.Part {
    fileprivate var document: BSONDocument {
        var document: BSONDocument = [
            "ns": .string("\(namespace)"), "state": .string(state.rawValue), "documents": .int64(documents),
            "estimated": .int64(estimated),
        ]
        if let filter { document.append("filter", .string(filter)) }
        if let uuid { document.append("uuid", .string(uuid.map { String(Int($0) + 0x100, radix: 16).dropFirst() }.joined())) }
        if let after {
            if let json = try? after.canonicalJSON() {
                document.append("after", .string(json))
            } else {
                document.append("afterBSON", .string(after.base64))
            }
        }
        return document
    }

    fileprivate init?(_ document: BSONDocument) {
        guard let namespace = document["ns"]?.stringValue.flatMap({ try? Namespace(parsing: $0) }),
            let state = document["state"]?.stringValue.flatMap(State.init)
        else { return nil }
        self.init(namespace, filter: document["filter"]?.stringValue)
        self.state = state
        documents = document["documents"]?.countValue ?? 0
        estimated = document["estimated"]?.countValue ?? 0
        uuid = document["uuid"]?.stringValue.map { text in
            stride(from: 0, to: text.utf8.count - 1, by: 2).compactMap { UInt8(text.dropFirst($0).prefix(2), radix: 16) }
        }
        after =
            document["after"]?.stringValue.flatMap { try? DocumentID(canonicalJSON: $0) }
            ?? document["afterBSON"]?.stringValue.flatMap { DocumentID(base64: $0) }
    }
}

extension BSONValue {
    fileprivate static func text(_ text: String?) -> BSONValue { text.map { .string($0) } ?? .null }
}
