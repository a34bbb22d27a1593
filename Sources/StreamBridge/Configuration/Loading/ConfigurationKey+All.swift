extension ConfigurationKey {
    /// Every key, in the order of the documentation.
    package static let all: [ConfigurationKey] =
        topLevel + mongodb + kafka + topics + streams + startAndFormat + snapshot + fields + dispatchers + runtime

    private static let topLevel: [ConfigurationKey] = [
        .init(
            "", "name", .scalar, "name", .required,
            "Names this bridge: the prefix of its consumer groups, transactional ids and internal topics. "
                + "Letters, digits, `.`, `_` and `-`, at most 100 characters.")
    ]

    private static let mongodb: [ConfigurationKey] = [
        .init("", "mongodb", .mapping, "mapping", .required, "How to reach MongoDB."),
        .init(
            "mongodb", "uri", .scalar, "driver URI", .required,
            "Any URI of the MongoDB drivers, `mongodb+srv://` included. The password is never printed."),
        .init(
            "mongodb", "maxPoolSize", .scalar, "1 to 10000", .scalar("20"),
            "The most connections to one server; raised to what the streams hold at once (one each, two with `batchedLookup`)."),
        .init(
            "mongodb", "serverSelectionTimeout", .scalar, "duration", .scalar("5s"),
            "How long one operation looks for a usable server before it fails and is tried again."),
        .init("mongodb", "writeConcern", .mapping, "mapping", .emptyMapping, "What has to happen to a write before it counts."),
        .init(
            "mongodb.writeConcern", "w", .scalar, "`majority`, a number, or a tag", .scalar("majority"),
            "How many members have to have the write. Anything but `1` has to be written together with `wtimeout`. `0` is refused."),
        .init(
            "mongodb.writeConcern", "wtimeout", .scalar, "duration or `null`", .scalar("5s"),
            "How long to wait for those members. With a `w` of `1` it may be left out or `null`: no limit."),
        .init(
            "mongodb.writeConcern", "journal", .scalar, "boolean", .scalar("true"), "Whether they have to have it in their journals."),
    ]

    private static let kafka: [ConfigurationKey] = [
        .init("", "kafka", .mapping, "mapping", .required, "librdkafka properties, verbatim, for every client."),
        .init(
            "kafka", "bootstrap.servers", .scalar, "`host:port`, with commas between several", .required,
            "Where to find the cluster. `metadata.broker.list` is the same property."),
        .init(
            "kafka", "<property>", .scalar, "text, number or boolean", .absent,
            "Any other property of librdkafka, its name written with dots on one line."),
        .init("kafka", "producer", .mapping, "mapping", .emptyMapping, "Properties for producers only, over those for every client."),
        .init("kafka.producer", "<property>", .scalar, "text, number or boolean", .absent, "Any property of librdkafka."),
        .init("kafka", "consumer", .mapping, "mapping", .emptyMapping, "Properties for consumers only, over those for every client."),
        .init("kafka.consumer", "<property>", .scalar, "text, number or boolean", .absent, "Any property of librdkafka."),
    ]

    private static let topics: [ConfigurationKey] = [
        .init("", "topics", .mapping, "mapping", .emptyMapping, "How the bridge creates topics."),
        .init("topics", "create", .scalar, "boolean", .scalar("true"), "Whether it creates the topics that are missing."),
        .init("topics", "partitions", .scalar, "1 to 100000", .scalar("3"), "The partitions of a new topic."),
        .init(
            "topics", "replicationFactor", .scalar, "1 to 32767, or -1", .scalar("-1"),
            "The replicas of each partition of a new topic. `-1`: what the brokers are set to (`default.replication.factor`), which Kafka before 2.4 "
                + "does not offer."),
        .init("topics", "config", .mapping, "mapping", .emptyMapping, "Topic configuration of a new topic."),
        .init(
            "topics.config", "<property>", .scalar, "text, number or boolean", .absent,
            "Any topic configuration of Kafka, such as `retention.ms`."),
    ]

    private static let streams: [ConfigurationKey] = [
        .init("", "streams", .sections, "list of mappings", .emptyList, "The change streams. At least one stream or dispatcher is needed."),
        .init(
            "streams[]", "name", .scalar, "name", .required,
            "Names the stream; its position is stored under this name. Letters, digits, `.`, `_` and `-`, at most 100 characters, "
                + "different for every stream."),
        .init(
            "streams[]", "watch", [.scalar, .list], "`db.coll`, `db`, `\"*\"`, or a list of `db.coll`", .required,
            "One collection, every collection of a database, the whole cluster, or several collections."),
        .init(
            "streams[]", "pipeline", [.scalar, .list, .verbatim], "list of stages, or Extended JSON", .emptyList,
            "Aggregation stages that the server applies to the events."),
        .init(
            "streams[]", "fullDocument", .scalar, choices(of: FullDocument.self), .scalar("default"),
            "Which updates carry the whole document: none, or the current one (looked up by the server, or by the bridge once per batch), "
                + "or the one right after the update (`whenAvailable`, `required`: needs pre- and post-images)."),
        .init(
            "streams[]", "fullDocumentBeforeChange", .scalar, choices(of: FullDocumentBeforeChange.self), .scalar("off"),
            "Whether events carry the document before the change; needs pre- and post-images on the collection."),
        .init(
            "streams[]", "showExpandedEvents", .scalar, "boolean", .scalar("false"),
            "Whether the server sends DDL events such as `createIndexes` too (MongoDB 6.0)."),
        .init(
            "streams[]", "startAt", [.scalar, .mapping], "`now`, `oldest`, or one of the keys below", .scalar("now"),
            "Where to begin when no position is stored. With a stored position it has no effect."),
    ]

    private static let startAndFormat: [ConfigurationKey] = [
        .init(
            "streams[].startAt", "time", .scalar, "ISO 8601 time, or seconds since 1970", .absent,
            "At this time; without a zone it is UTC."),
        .init("streams[].startAt", "clusterTime", .scalar, "`\"seconds.increment\"`", .absent, "At this cluster time."),
        .init(
            "streams[].startAt", "token", .scalar, "hexadecimal text", .absent,
            "After the event with this resume token, as the header `mongodb.token` has it."),
        .init(
            "streams[]", "topic", .scalar, "template with `{db}` and `{coll}`", .text("mongo.{db}.{coll}"),
            "The topic of each event."),
        .init(
            "streams[]", "key", .scalar, "`documentKey`, `none`, or a field path", .scalar("documentKey"),
            "The key of each record; a path such as `fullDocument.type` starts at the change event."),
        .init(
            "streams[]", "format", [.scalar, .mapping],
            "`relaxed`, `canonical`, `simple`, `bson`, `debezium`, `cloudevents`, or one of the keys below",
            .scalar("relaxed"),
            "How records are written."),
        .init(
            "streams[].format", "template", .scalar, "template", .absent,
            "Text with values of the change event in it, such as `{fullDocument.quantity}`."),
        .init(
            "streams[].format", "debezium", .mapping, "mapping", .absent,
            "As Debezium's MongoDB connector writes records. The word alone has the defaults of the keys below."),
        .init(
            "streams[].format.debezium", "topicPrefix", .scalar, "name", .absent,
            "What `source.name` is, the connector's `topic.prefix`. Without it the bridge's `name`."),
        .init(
            "streams[].format.debezium", "document", .scalar, choices(of: DebeziumSettings.Document.self), .scalar("string"),
            "What documents are in a record: a string with JSON, as the connector writes them, or relaxed Extended JSON."),
        .init(
            "streams[].format", "cloudevents", .scalar, choices(of: CloudEventsMode.self), .absent,
            "CloudEvents 1.0: attributes in headers, or in the value. The word alone is `binary`."),
        .init(
            "streams[]", "content", .scalar, choices(of: RecordContent.self), .scalar("event"),
            "What becomes the value: the change event, or only its `fullDocument`."),
        .init(
            "streams[]", "tombstones", .scalar, "boolean", .scalar("false"),
            "Whether a delete gives a record with the key and a null value. With `format: debezium` the default is `true`."),
        .init(
            "streams[]", "delivery", .scalar, "`exactly-once` or `at-least-once`", .scalar("exactly-once"),
            "The guarantee: events and the position after them in one Kafka transaction, or the position after the events."),
        .init(
            "streams[]", "onLostPosition", .scalar, choices(of: LostPositionPolicy.self), .scalar("halt"),
            "What to do when the server no longer resumes the stored position: stop, or continue at the oldest oplog entry or now, after a record "
                + "of the gap to `bridge.<name>.gaps`."
        ),
    ]

    private static let snapshot: [ConfigurationKey] = [
        .init(
            "streams[]", "snapshot", [.scalar, .mapping], "`never`, `initial`, or the keys below", .scalar("never"),
            "Whether a stream without a stored position publishes the documents that are there already (MongoDB 5.0)."),
        .init(
            "streams[].snapshot", "when", .scalar, choices(of: SnapshotSettings.When.self), .scalar("initial"),
            "`initial`: when no position is stored. `bridge snapshot start` begins one at any time."),
        .init(
            "streams[].snapshot", "filter", .mapping, "mapping of `db.coll` to queries", .emptyMapping,
            "Only documents that match are copied."),
        .init(
            "streams[].snapshot.filter", "<db.coll>", [.scalar, .mapping, .verbatim], "query, or Extended JSON", .absent,
            "A query as for `find`."),
        .init(
            "streams[].snapshot", "cursors", .scalar, "1 to 16", .scalar("1"),
            "How many ranges of a collection are read at the same time. One reads faster than one stream publishes."),
    ]

    private static let fields: [ConfigurationKey] = [
        .init(
            "streams[]", "fields", .mapping, "mapping", .absent,
            "What of documents is left out, renamed and masked, in every part of a record but its key."),
        .init(
            "streams[].fields", "include", .list, "list of field paths", .absent,
            "The only fields that are published, besides `_id`. Not together with `exclude`."),
        .init("streams[].fields", "exclude", .list, "list of field paths", .absent, "Fields that are left out, such as `card.number`."),
        .init("streams[].fields", "rename", .mapping, "mapping of field paths to names", .absent, "Other names for fields."),
        .init(
            "streams[].fields.rename", "<path>", .scalar, "name", .absent,
            "The new name alone: the field stays in its document."),
        .init("streams[].fields", "mask", .mapping, "mapping of field paths to masks", .absent, "Fields whose values nobody is to see."),
        .init(
            "streams[].fields.mask", "<path>", [.scalar, .mapping], "`hash`, `redact`, or the key below", .absent,
            "`hash`: HMAC-SHA-256 of the value in hexadecimal digits, the same for the same value. `redact`: `***`."),
        .init(
            "streams[].fields.mask.<path>", "keep", .scalar, "1 to 100", .absent,
            "`***` and so many of a text's last characters; `***` alone for a text that has no more, and for other values."),
        .init(
            "streams[].fields", "key", .scalar, "at least 16 bytes of text", .absent,
            "The key of the hashes, needed where a mask is `hash`. Never printed."),
    ]

    private static let dispatchers: [ConfigurationKey] = [
        .init(
            "", "dispatchers", .sections, "list of mappings", .emptyList,
            "The dispatchers: commands of a topic become documents, and no two active ones hold the same resource. "
                + "At least one stream or dispatcher is needed."),
        .init(
            "dispatchers[]", "name", .scalar, "name", .required,
            "Names the dispatcher and its consumer group. Letters, digits, `.`, `_` and `-`, at most 100 characters, "
                + "different for every dispatcher and stream."),
        .init("dispatchers[]", "commands", .scalar, "topic", .required, "Where commands come from; different for every dispatcher."),
        .init("dispatchers[]", "outcomes", .scalar, "topic", .required, "Where the answer to each command goes."),
        .init("dispatchers[]", "deadLetters", .scalar, "topic", .required, "Where records go that can never be carried out."),
        .init("dispatchers[]", "collection", .scalar, "`db.coll`", .required, "Where the documents go."),
        .init(
            "dispatchers[]", "fields", .mapping, "mapping of names to types", .emptyMapping,
            "The fields of a command, besides those that every command has."),
        .init(
            "dispatchers[].fields", "<field>", [.scalar, .mapping], "\(choices(of: CommandFieldType.Word.self)), or the keys below",
            .absent,
            "A field and the type of its value."),
        .init(
            "dispatchers[].fields.<field>", "type", .scalar, choices(of: CommandFieldType.Word.self), .required, "The type of its value."),
        .init(
            "dispatchers[].fields.<field>", "required", .scalar, "boolean", .scalar("true"), "Whether a command without it is refused."),
        .init("dispatchers[].fields.<field>", "minimum", .scalar, "number", .absent, "The least value; for `int` and `number`."),
        .init("dispatchers[].fields.<field>", "maximum", .scalar, "number", .absent, "The greatest value; for `int` and `number`."),
        .init("dispatchers[]", "resource", .mapping, "mapping", .required, "What only one active document at a time may hold."),
        .init(
            "dispatchers[].resource", "field", .scalar, "name of a field", .required,
            "The field that names the resource, in commands and documents. A unique index guards it."),
        .init(
            "dispatchers[].resource", "pool", .scalar, "`db.coll`", .absent,
            "The collection whose `_id` values are the resources. Without it a conflict is answered, and no other resource is taken."),
        .init(
            "dispatchers[].resource", "choose", .scalar, choices(of: ResourceSettings.Choice.self), .scalar("random"),
            "Which free resource of the pool takes the place of one that is busy."),
        .init(
            "dispatchers[].resource", "label", .scalar, "one line of text, at most 100 characters", .scalar("Resource"),
            "What the messages of the outcomes call a resource: with `Truck`, `Truck #4 has been sent out.`"),
        .init(
            "dispatchers[]", "delivery", .scalar, "`exactly-once` or `at-least-once`", .scalar("exactly-once"),
            "The guarantee: outcomes and the offsets of their commands in one Kafka transaction, or the offsets after the outcomes."),
    ]

    private static let runtime: [ConfigurationKey] = [
        .init("", "http", .mapping, "mapping", .absent, "The status page, health and metrics (docs/HTTP.md). Without it nothing listens."),
        .init(
            "http", "listen", .scalar, "`host:port`", .text("127.0.0.1:8080"),
            "The address to listen on. An address beyond loopback needs `http.token`."),
        .init(
            "http", "token", .scalar, "at least 8 visible ASCII characters", .absent, "What callers have to present. Never printed."),
        .init("", "limits", .mapping, "mapping", .emptyMapping, "Bounds on what the process may use."),
        .init(
            "limits", "memory", .scalar, "size, at least 1MiB", .scalar("256MiB"),
            "Bytes of events between MongoDB and Kafka, over all streams. At least four times the largest document for each stream."),
        .init(
            "", "startupTimeout", .scalar, "duration", .scalar("30s"),
            "How long to try to reach a server at start before giving up with status 69."),
        .init("", "shutdownTimeout", .scalar, "duration", .scalar("20s"), "How long a graceful stop may take."),
    ]

    /// The words of a choice, as the documentation lists them.
    private static func choices<Choice: CaseIterable & RawRepresentable<String>>(of type: Choice.Type) -> String {
        Choice.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")
    }
}
