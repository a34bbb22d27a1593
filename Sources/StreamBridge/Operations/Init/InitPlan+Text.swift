extension InitPlan {
    /// The file, with a reason for each choice.
    package var text: String {
        ([heading, mongodb, kafkaSection, topics, "streams:\n" + streams.map(text).joined(separator: "\n"), http])
            .joined(separator: "\n")
    }

    private var heading: String {
        """
        # Made by `bridge init`. docs/CONFIGURATION.md has every key; `bridge config` prints all of them with
        # their values. `bridge check` looks at everything that this needs and changes nothing.

        # Names the consumer groups, the transactional ids and the bridge's own topics. Stored positions
        # belong to this name: a bridge with another name begins again.
        name: \(Self.scalar(name))

        """
    }

    private var mongodb: String {
        let kind = survey.deployment.replicaSet.map { "replica set \($0)" } ?? "a sharded cluster"
        var comments = ["MongoDB \(survey.deployment.version), \(kind)."]
        if let set = survey.unnamedReplicaSet {
            comments.append("replicaSet=\(set) was added: without it the driver would stay with one member.")
        }
        if password != nil {
            comments.append("The password is in the environment variable \(Self.passwordVariable), percent-encoded as in a URI.")
            comments.append("${file:PATH} in its place reads a file.")
        }
        return "mongodb:\n\(Self.comment(comments, indent: 2))  uri: \(uri.jsonQuoted)\n"
    }

    private var kafkaSection: String {
        """
        kafka:
          # \(Self.count(survey.brokers, "broker")). Any property of librdkafka can stand here, such as security.protocol.
          bootstrap.servers: \(kafka.jsonQuoted)

        """
    }

    private var topics: String {
        let found = Dictionary(survey.watched.flatMap(\.topics)) { one, _ in one }.sorted { $0.key < $1.key }
        let partitions =
            found.isEmpty
            ? [
                "As many consumers of one group can share a topic. More partitions can be added later, but then",
                "keys move to other ones.",
            ]
            : ["As those that are there: " + found.map { "\($0.key) has \($0.value)" }.joined(separator: ", ") + "."]
        let replicas =
            switch survey.brokers {
            case ...1: "One broker: one replica, which is lost with it."
            case 2: "Two brokers, each with a replica."
            default: "Three replicas: no record is lost with one of the \(survey.brokers) brokers."
            }
        return """
            # For topics that are missing; the bridge creates them. Those that exist stay as they are.
            topics:
            \(Self.comment(partitions, indent: 2))  partitions: \(self.partitions)
              # \(replicas)
              replicationFactor: \(replicationFactor)

            """
    }

    private func text(of stream: Stream) -> String {
        var watch: [String] = []
        if let missing = stream.watched.missing.first { watch.append("\(missing) does not exist yet.") }
        if let collections = stream.watched.collections, stream.watched.scope.namedCollections.isEmpty {
            watch.append("\(Self.count(collections.count, "collection")) now, and every later one; each has a topic of its own.")
        }
        let topics = stream.watched.scope.namedCollections.map { TopicName.render(.ofCollections, for: $0) }
        let creation = topics.allSatisfy { stream.watched.topics[$0] != nil } ? "" : ", which the bridge creates"
        let topic = topics.isEmpty ? "" : "    # That is \(topics.joined(separator: ", "))\(creation).\n"
        return """
              - name: \(Self.scalar(stream.name))
            \(Self.comment(watch, indent: 4))    watch: \(Self.scalar(stream.watched.scope.description))
            \(topic)    topic: "mongo.{db}.{coll}"
            \(Self.snapshot(stream.snapshot))\(Self.images(stream.images))\(Self.delivery(delivery))
            """
    }

    private static func snapshot(_ snapshot: Snapshot) -> String {
        switch snapshot {
        case .initial(let documents):
            let count = documents.map { "About \(Self.count($0, "document")) \($0 == 1 ? "is" : "are") there" } ?? "Documents are there"
            return comment(
                ["\(count): published first, each once, as of a moment between the events.", "`never` begins with the next event."],
                indent: 4)
                + "    snapshot: initial\n"
        case .never(let reason):
            return comment(["No copy first: \(reason)."], indent: 4) + "    snapshot: never\n"
        }
    }

    private static func images(_ images: Images) -> String {
        switch images {
        case .kept:
            comment(
                [
                    "Pre- and post-images are kept: an event carries the document right before and right after the",
                    "change. `required` halts where an image has expired.",
                ], indent: 4) + "    fullDocument: whenAvailable\n    fullDocumentBeforeChange: whenAvailable\n"
        case .lookedUp(let reason):
            comment(
                [
                    "An update carries the document as it is when the server looks it up, because", "\(reason).",
                    "`default`: only the changed fields. `batchedLookup`: looked up faster (no sharded cluster).",
                ], indent: 4) + "    fullDocument: updateLookup\n"
        }
    }

    private static func delivery(_ delivery: Delivery) -> String {
        switch delivery {
        case .exactlyOnce:
            comment(
                [
                    "Events and the position after them are one Kafka transaction. Consumers read with",
                    "isolation.level=read_committed. `at-least-once` repeats some events after a crash.",
                ], indent: 4) + "    delivery: exactly-once\n"
        case .atLeastOnce: comment(["Some events are repeated after a crash."], indent: 4) + "    delivery: at-least-once\n"
        }
    }

    private var http: String {
        """
        # A status page, probes and metrics:
        # http: { listen: "127.0.0.1:8080" }

        """
    }

    /// With quotes where YAML needs them.
    private static func scalar(_ text: String) -> String { EffectiveValue.text(text).yaml(indent: 0) }

    private static func comment(_ lines: [String], indent: Int) -> String {
        lines.map { String(repeating: " ", count: indent) + "# \($0.singleLine)\n" }.joined()
    }

    private static func count(_ number: some BinaryInteger, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
}
