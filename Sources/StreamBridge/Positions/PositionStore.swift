import Kafka
import Mongo

/// The positions topic: compacted, key the stream's name, value a ``StoredPosition``. Copies share what was read.
struct PositionStore: Sendable {
    /// `bridge.<name>.positions`.
    var topic: String { newest.topic }
    private let newest: NewestValues

    init(bridge name: String, admin: KafkaAdmin, settings: KafkaSettings) {
        self.init(topic: InternalTopics.positions(of: name), admin: admin, settings: settings)
    }

    /// Of another topic that keeps the newest value of each key.
    init(topic: String, admin: KafkaAdmin, settings: KafkaSettings) {
        newest = NewestValues(topic: topic, admin: admin, settings: settings)
    }

    /// The newest position of a stream, read up to the high watermark of a moment after the call.
    ///
    /// Blocks. Rule 1 (docs/GUARANTEES.md): a caller that is a writer has fenced its predecessor before. Another
    /// stream's open transaction hides positions behind its own, so it is waited for.
    ///
    /// - Parameter isolation: `readUncommitted` for a caller that only wants to know who stored the position: nobody's
    ///   open transaction is waited for.
    /// - Throws: ``KafkaError``, also when such a transaction stays open, ``PositionError`` when `stream`'s newest
    ///   record cannot be read, or ``Stopped``.
    func read(stream: String, isolation: Isolation = .readCommitted, timeout: Duration, _ waiting: NewestValues.Waiting = .init()) throws
        -> StoredPosition?
    {
        try readAll(isolation: isolation, timeout: timeout, waiting)[stream].map { try StoredPosition($0) }
    }

    /// The newest value of every key. A key whose newest record is a tombstone is left out.
    ///
    /// - Throws: ``KafkaError``, ``Stopped``.
    func readAll(isolation: Isolation = .readCommitted, timeout: Duration, _ waiting: NewestValues.Waiting = .init()) throws
        -> [String: NewestValue]
    {
        try newest.values(isolation: isolation, timeout: timeout, waiting)
    }
}

extension StoredPosition {
    /// - Throws: ``PositionError`` naming what is wrong, and where.
    init(_ value: NewestValue) throws(PositionError) {
        do throws(PositionError) {
            try self.init(json: value.bytes)
        } catch .unreadable(let reason) {
            throw .unreadable("\(reason), in record \(value.place)")
        }
    }
}
