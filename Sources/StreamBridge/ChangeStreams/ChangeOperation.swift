import Mongo

/// A change event's `operationType`.
package enum ChangeOperation: Int, CaseIterable, Sendable {
    case insert, update, replace, delete, drop, dropDatabase, rename, invalidate
    // Only with `showExpandedEvents`.
    case create, modify, createIndexes, dropIndexes, shardCollection, reshardCollection, refineCollectionShardKey
    /// One that this version does not know, or none because a pipeline has taken it away.
    case other

    /// As the server writes it.
    package var name: String { "\(self.text)" }

    private var text: StaticString {
        switch self {
        case .insert: "insert"
        case .update: "update"
        case .replace: "replace"
        case .delete: "delete"
        case .drop: "drop"
        case .dropDatabase: "dropDatabase"
        case .rename: "rename"
        case .invalidate: "invalidate"
        case .create: "create"
        case .modify: "modify"
        case .createIndexes: "createIndexes"
        case .dropIndexes: "dropIndexes"
        case .shardCollection: "shardCollection"
        case .reshardCollection: "reshardCollection"
        case .refineCollectionShardKey: "refineCollectionShardKey"
        case .other: "other"
        }
    }

    /// - Parameter text: where the operation's text is.
    init(_ text: Range<Int>, in bytes: RawSpan) {
        var code = 0
        // The frequent ones come first; an array of all of them would be walked with its reference counted, for each
        // event.
        while let operation = ChangeOperation(rawValue: code) {
            if operation.equals(text, in: bytes) {
                self = operation
                return
            }
            code += 1
        }
        self = .other
    }

    private func equals(_ range: Range<Int>, in bytes: RawSpan) -> Bool {
        let text = text
        guard range.count == text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { utf8 in
            for index in 0..<utf8.count where bytes.unsafeLoad(fromByteOffset: range.lowerBound + index, as: UInt8.self) != utf8[index] {
                return false
            }
            return true
        }
    }
}

/// Events by operation, and their bytes of BSON.
package struct OperationCounts: Sendable {
    private var events = [Int](repeating: 0, count: ChangeOperation.allCases.count)
    private var bytes = [Int](repeating: 0, count: ChangeOperation.allCases.count)

    mutating func count(_ operation: ChangeOperation, bytes size: Int) {
        events[operation.rawValue] += 1
        bytes[operation.rawValue] += size
    }

    mutating func add(_ other: OperationCounts) {
        for index in events.indices {
            events[index] += other.events[index]
            bytes[index] += other.bytes[index]
        }
    }

    /// In place, so that the memory is used again.
    mutating func reset() {
        for index in events.indices {
            events[index] = 0
            bytes[index] = 0
        }
    }

    package func events(_ operation: ChangeOperation) -> Int { events[operation.rawValue] }
    package func bytes(_ operation: ChangeOperation) -> Int { bytes[operation.rawValue] }

    package var totalEvents: Int { events.reduce(0, +) }
    package var totalBytes: Int { bytes.reduce(0, +) }
}
