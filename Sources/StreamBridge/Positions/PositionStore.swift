import Mongo

/// The positions topic: compacted, key the stream's name, value a ``StoredPosition``.
struct PositionStore: Sendable {
    /// `bridge.<name>.positions`.
    let topic: String
    private let admin: KafkaAdmin
    private let settings: KafkaSettings

    init(bridge name: String, admin: KafkaAdmin, settings: KafkaSettings) {
        self.init(topic: Self.topic(bridge: name), admin: admin, settings: settings)
    }

    /// Of another topic that keeps the newest value of each key.
    init(topic: String, admin: KafkaAdmin, settings: KafkaSettings) {
        self.topic = topic
        self.admin = admin
        self.settings = settings
    }

    static func topic(bridge name: String) -> String { "bridge.\(name).positions" }

    /// The newest position of every stream, read up to the high watermark of the moment of the call.
    ///
    /// Blocks. Rule 1 (docs/GUARANTEES.md): a caller that is a writer has fenced its predecessor before. Another stream's open transaction hides
    /// positions behind its own, so it is waited for.
    ///
    /// - Parameter isolation: `readUncommitted` for whoever only wants to know who stored the position: nobody's open transaction is waited for.
    /// - Throws: ``KafkaError``, also when such a transaction stays open, or ``PositionError`` when `stream`'s newest record cannot be read.
    func read(stream: String, isolation: Isolation = .readCommitted, timeout: Duration) throws -> StoredPosition? {
        let newest = try readAll(isolation: isolation, timeout: timeout)[stream]
        return try newest.map { value throws(PositionError) in try StoredPosition(json: value) }
    }

    /// The newest value of every key. A key whose newest record is a tombstone is left out.
    func readAll(isolation: Isolation = .readCommitted, timeout: Duration) throws(KafkaError) -> [String: [UInt8]] {
        var values: [String: [UInt8]] = [:]
        let isThere = try TopicReader.scan(
            topic, admin: admin, settings: settings, timeout: timeout, stop: StopSignal(),
            waitsForTransactions: true,
            isolation: isolation,
            { (key: $0.key, value: $0.value) },
            take: { record throws(KafkaError) in
                if let key = record.key { values[String(decoding: key, as: UTF8.self)] = record.value }
            })
        // The caller has ensured the topic, so an answer without it comes from a broker that is behind: no word on positions.
        guard isThere else { throw KafkaError.unknownTopic(topic) }
        return values
    }
}
