import Foundation
import Mongo

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// A dispatcher's topics on the shared cluster, with names of their own, and a configuration with nothing but that
/// dispatcher.
struct CommandTopics: Sendable {
    let kafka: TestKafka
    let partitions: Int32
    let dispatcher: DispatcherSettings

    init(partitions: Int32 = 1) throws {
        kafka = try TestKafka.shared.get()
        self.partitions = partitions
        var dispatcher = DispatcherSettings.sample()
        let name = UniqueName.make("dispatch")
        dispatcher.commands = "\(name).commands"
        dispatcher.outcomes = "\(name).outcomes"
        dispatcher.deadLetters = "\(name).dead-letters"
        self.dispatcher = dispatcher
        for topic in [dispatcher.commands, dispatcher.outcomes, dispatcher.deadLetters] {
            try kafka.make(topic: topic, partitions: partitions)
        }
    }

    func configuration(_ change: (inout BridgeConfiguration) -> Void = { _ in }) -> BridgeConfiguration {
        var configuration = BridgeConfiguration(
            name: "lessons",
            mongodb: MongoDBSettings(
                uri: "mongodb://127.0.0.1:1/?replicaSet=rs0", maxPoolSize: 2, serverSelectionTimeout: .seconds(2),
                writeConcern: .init(w: .majority, wtimeout: .seconds(5), journal: true)),
            kafka: kafka.settings, topics: TopicSettings(create: true, partitions: 1, replicationFactor: 1, config: [:]), streams: [],
            dispatchers: [dispatcher], limits: .init(memory: 64 << 20), startupTimeout: Patience.limit, shutdownTimeout: .seconds(5))
        change(&configuration)
        return configuration
    }

    func records(_ topic: String? = nil) throws -> [TestRecord] {
        try TopicContents.read(topic ?? dispatcher.commands, partitions: partitions, from: kafka.settings)
    }

    func write(_ records: [OutgoingRecord], to topic: String) throws {
        let sender = try RecordSender(topic: topic, settings: kafka.settings, patience: Patience.limit, logger: .silent)
        for record in records { try sender.send(record) }
        try sender.finish()
    }
}

/// What callbacks on another thread gave.
final class Collected<Element: Sendable>: Sendable {
    private let elements = Monitor<[Element]>([])
    var all: [Element] { elements.value }
    func append(_ element: Element) { elements.update { $0.append(element) } }

    /// Blocks until one is there that `isWanted`.
    func wait(for what: String, _ isWanted: (Element) -> Bool) throws {
        try elements.wait(for: what) { $0.contains(where: isWanted) ? () : nil }
    }
}

extension OutgoingRecord {
    init(key: String? = nil, text: String?, headers: [(String, String)] = []) {
        self.init(
            key: key.map { Array($0.utf8) }, value: text.map { Array($0.utf8) }, headers: headers.map { ($0, Array($1.utf8)) })
    }
}
