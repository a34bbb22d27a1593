import Foundation
import Kafka
import Logging
import Mongo
import Runtime

/// The replays of a bridge: the compacted topic `bridge.<name>.replays`, key the replay's id.
struct ReplayLedger: Sendable {
    let topic: String

    private let bridge: String
    private let admin: KafkaAdmin
    private let store: PositionStore
    private let timeout: Duration
    private let settings: TopicSettings
    private let waiting: NewestValues.Waiting

    init(_ configuration: BridgeConfiguration, admin: KafkaAdmin, stop: StopSignal) {
        topic = InternalTopics.replays(of: configuration.name)
        bridge = configuration.name
        self.admin = admin
        waiting = NewestValues.Waiting(stop: stop)
        store = PositionStore(topic: topic, admin: admin, settings: configuration.kafka)
        timeout = configuration.startupTimeout
        settings = configuration.topics
    }

    /// Makes room for a new replay. Blocks.
    ///
    /// - Throws: ``WrongUsage`` when the id is another one's; ``KafkaError``, ``MissingTopic``, ``Halt``.
    func begin(_ id: String, _ topics: TopicCatalog) throws {
        try refuseTaken(id)
        try topics.ensure(topic, partitions: 1, config: CompactedTopic.config(under: settings), timeout: timeout)
    }

    /// The newest record of a replay; nil when there is none. Blocks.
    ///
    /// - Throws: ``KafkaError``, ``Halt`` when it cannot be read.
    func find(_ id: String) throws -> BSONDocument? {
        guard try admin.topic(topic, within: timeout, stop: waiting.stop) != nil,
            let value = try store.readAll(timeout: timeout, waiting)[id]?.bytes
        else { return nil }
        guard let document = try? BSONDocument(extendedJSON: String(decoding: value, as: UTF8.self)) else {
            throw Self.unreadable(id, topic: topic)
        }
        return document
    }

    /// The record of a replay that is to continue.
    ///
    /// - Throws: ``WrongUsage`` when there is no such replay, or nothing is left of it; ``KafkaError``, ``Halt``.
    func unfinished(_ id: String) throws -> BSONDocument {
        guard let document = try find(id) else {
            let isThere = try admin.topic(topic, within: timeout, stop: waiting.stop) != nil
            let known = isThere ? try store.readAll(timeout: timeout, waiting).keys.sorted() : []
            throw WrongUsage("\(UnknownName(kind: "replay", name: id, known: known, of: "topic \(topic)"))")
        }
        guard document["state"]?.stringValue != ReplayState.done.rawValue else {
            throw WrongUsage("replay \(id) is done: nothing is left of it. To publish its range once more, start another replay")
        }
        return document
    }

    private func refuseTaken(_ id: String) throws {
        guard let document = try find(id) else { return }
        let isDone = document["state"]?.stringValue == ReplayState.done.rawValue
        throw WrongUsage(
            "there is a replay \(id) already, and it is \(isDone ? "done" : "not done: continue with `bridge replay --resume \(id)`"). "
                + "Another --id begins another one")
    }

    static func unreadable(_ id: String, topic: String) -> Halt {
        Halt(
            reason: "the record of replay \(id) in topic \(topic) does not belong to this bridge", remedy: "Start another replay",
            status: .configuration)
    }

    /// The same id was begun twice at the same time: what is recorded is of the other one.
    static func taken(_ id: String) -> Halt {
        Halt(
            reason: "replay \(id) was begun by another process at the same time, which asked for something else",
            remedy: "Begin this one again with another --id", status: .configuration)
    }

    /// The id of a new replay.
    ///
    /// - Parameter asked: nil for one that is made.
    /// - Throws: ``WrongUsage`` for one that cannot be a part of the transactional id.
    static func id(asked: String?) throws(WrongUsage) -> String {
        guard let asked else { return MomentID.make() }
        do throws(ConfigurationComplaint) {
            return try LegalName.bridgePart(asked)
        } catch {
            throw WrongUsage("--id", error)
        }
    }
}
