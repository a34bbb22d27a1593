import Mongo

/// Which collections of a stream may have one topic.
///
/// Two documents of two collections can have the same key. In one topic a consumer takes them for one document, and
/// compaction keeps one of them, unless each record says which collection it is of and none stands for another.
struct TopicSharing: Sendable {
    private let template: TextTemplate
    private let hasKeys: Bool
    /// Why records of several collections could not be told apart; nil when they could.
    private let obstacle: String?
    /// The pipeline asks for the namespace: perhaps for one of those collections alone.
    let chooses: Bool

    init(_ stream: StreamSettings) {
        template = stream.topic
        hasKeys = stream.key != .none
        // A key of another kind is shared on purpose, also by documents of one collection.
        let keyIsOfDocument =
            switch stream.key {
            case .documentKey: true
            case .field(let path): path.first == "documentKey"
            case .none: false
            }
        obstacle =
            if stream.tombstones {
                "a tombstone of one document deletes all documents with this key"
            } else if stream.content == .fullDocument, keyIsOfDocument {
                "the values, by `content: fullDocument`, do not say which collection they are of"
            } else { nil }
        chooses = stream.pipeline.contains("\"ns") || stream.pipeline.contains("$ns")
    }

    private static func has(_ placeholder: String, in template: TextTemplate) -> Bool {
        template.segments.contains(.placeholder([placeholder]))
    }

    /// The template promises a topic for each collection; without the promise several collections share a topic on
    /// purpose.
    private var separates: Bool { Self.has("coll", in: template) }

    /// Why two collections may not have one topic; nil when they may.
    ///
    /// - Parameter isCompacted: whether the topic is; only asked where it decides.
    func refusal(of first: Namespace, and second: Namespace, in topic: String, isCompacted: (String) -> Bool) -> TopicConflict? {
        guard hasKeys, first != second else { return nil }
        let reason: String
        if separates {
            reason = "two of their documents can have one key"
        } else if let obstacle {
            reason = obstacle
        } else if isCompacted(topic) {
            reason = "the topic is compacted, which keeps one of two documents with the same key"
        } else {
            return nil
        }
        return TopicConflict(
            reason: "collections \(first) and \(second) would have one topic, \(topic), and \(reason)", remedy: remedy(for: first, second))
    }

    /// What gives each of them a topic of its own.
    private func remedy(for first: Namespace, _ second: Namespace) -> String {
        let missing = [
            first.database != second.database && !Self.has("db", in: template) ? "{db}" : nil,
            first.collection != second.collection && !Self.has("coll", in: template) ? "{coll}" : nil,
        ].compactMap(\.self)
        guard missing.isEmpty else { return "Write \(missing.joined(separator: " and ")) into the topic, or give each its own stream" }
        return
            "Give one of them a stream of its own, with another topic, and leave it out here with a $match stage, or rename it: Kafka takes few "
            + "of the characters that MongoDB does, and the others become _"
    }

    /// Refuses what can be known without a server: collections of a list that would have one topic, and a topic without
    /// `{coll}` for all that a database or a cluster has.
    func refusal(of scope: WatchScope) -> TopicConflict? {
        switch scope {
        case .collection: return nil
        case .collections(let namespaces): return refusal(among: namespaces) { _ in false }
        case .database, .cluster:
            guard hasKeys, !separates, !chooses, let obstacle else { return nil }
            return TopicConflict(
                reason: "all collections would have one topic, and \(obstacle)",
                remedy: "Write {coll} into the topic, or watch one collection")
        }
    }

    /// The first two of some collections that may not have the topic that they would have.
    func refusal(among namespaces: [Namespace], isCompacted: (String) -> Bool) -> TopicConflict? {
        var first: [String: Namespace] = [:]
        for namespace in namespaces {
            let topic = TopicName.render(template, for: namespace)
            if let other = first[topic], let refusal = refusal(of: other, and: namespace, in: topic, isCompacted: isCompacted) {
                return refusal
            }
            first[topic] = first[topic] ?? namespace
        }
        return nil
    }

    /// Two streams that would give different collections one topic, where the configuration names both.
    static func refusal(of one: StreamSettings, and other: StreamSettings) -> TopicConflict? {
        let sharing = [TopicSharing(one), TopicSharing(other)]
        for first in one.watch.namedCollections {
            let topic = TopicName.render(one.topic, for: first)
            for second in other.watch.namedCollections where TopicName.render(other.topic, for: second) == topic {
                // Whichever of them cannot be told apart spoils it for both.
                guard sharing.allSatisfy(\.hasKeys), first != second, let obstacle = sharing.lazy.compactMap(\.obstacle).first else {
                    continue
                }
                return TopicConflict(
                    reason:
                        "\(first) of stream \(one.name) and \(second) of stream \(other.name) would have one topic, \(topic), and \(obstacle)",
                    remedy: "Give each its own topic")
            }
        }
        return nil
    }
}
