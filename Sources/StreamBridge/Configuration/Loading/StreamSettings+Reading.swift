extension StreamSettings {
    /// Reads `streams:`; nil when something in it is wrong.
    static func list(reading top: ConfigurationSection, bridge: String?) -> [StreamSettings]? {
        guard top.value("streams") != nil else { return nil }
        let sections = top.sections("streams")
        var firstLines: [String: Int] = [:]
        let streams = sections.map { section -> StreamSettings? in
            let stream = StreamSettings(reading: section, bridge: bridge)
            if let name = section.written("name") {
                let mark = section.mark(of: "name")
                if let first = firstLines[name.text] {
                    section.reading.report(
                        mark, section.path(of: "name"), "the stream name \(name.shown) is taken, first in line \(first)",
                        "give every stream its own name: positions are stored under it")
                } else {
                    firstLines[name.text] = mark.line
                }
            }
            return stream
        }
        let complete = streams.compactMap(\.self)
        guard complete.count == streams.count else { return nil }
        for (index, stream) in complete.enumerated() {
            for other in complete[..<index] {
                guard let refusal = TopicSharing.refusal(of: other, and: stream) else { continue }
                let section = sections[index]
                section.reading.report(section.mark(of: "topic"), section.path(of: "topic"), refusal.reason, refusal.remedy)
            }
        }
        return complete
    }

    /// Reads one stream; nil when something in it is wrong.
    init?(reading section: ConfigurationSection, bridge: String?) {
        let name = section.parse("name", LegalName.bridgePart)
        let watch = WatchScope(reading: section)
        let pipeline = PipelineText.read("pipeline", in: section)
        let fullDocument = section.choice("fullDocument", FullDocument.self)
        let before = section.choice("fullDocumentBeforeChange", FullDocumentBeforeChange.self)
        let showExpandedEvents = section.boolean("showExpandedEvents")
        let startAt = StartPoint(reading: section)
        let topic = section.parse("topic") { text throws(ConfigurationComplaint) in
            let template = try TextTemplate.topic(text)
            if let bridge, let watch { try InternalTopics.refuse(template, for: watch, of: bridge) }
            return template
        }
        let key = section.parse("key") { text throws(ConfigurationComplaint) in try RecordKey(parsing: text) }
        let format = RecordFormat(reading: section, bridge: bridge)
        let content = section.choice("content", RecordContent.self)
        // The connector's own default, `tombstones.on.delete`.
        let tombstones = format?.isDebezium == true && !section.has("tombstones") ? true : section.boolean("tombstones")
        let delivery = section.choice("delivery", Delivery.self)
        let onLostPosition = section.choice("onLostPosition", LostPositionPolicy.self)
        let snapshot = SnapshotSettings(reading: section, watch: watch)
        let fields = FieldSettings.optional(reading: section, key: key, format: format)

        Self.refuseContradictions(key: key, format: format, content: content, tombstones: tombstones, in: section)
        if content == .fullDocument, fullDocument == .default {
            section.reading.warn(
                section.mark(of: "content"), section.path(of: "content"),
                "updates carry no document with `fullDocument: default`, so their values will be null; "
                    + "write `fullDocument: updateLookup` for the current document")
        }
        if format?.isDebezium == true, showExpandedEvents == true {
            section.reading.warn(
                section.mark(of: "showExpandedEvents"), section.path(of: "showExpandedEvents"),
                "`format: debezium` has no records for DDL events, so they are left out; remove `showExpandedEvents`")
        }
        guard let name, let watch, let pipeline, let fullDocument, let before, let showExpandedEvents, let startAt, let topic, let key,
            let format, let content, let tombstones, let delivery, let onLostPosition, let snapshot,
            fields != nil || !section.has("fields")
        else { return nil }
        self.init(
            name: name, watch: watch, pipeline: pipeline, fullDocument: fullDocument, fullDocumentBeforeChange: before,
            showExpandedEvents: showExpandedEvents, startAt: startAt, topic: topic, key: key, format: format, content: content,
            tombstones: tombstones, delivery: delivery, onLostPosition: onLostPosition,
            snapshot: snapshot, fields: fields)
        if let refusal = TopicSharing(self).refusal(of: watch) {
            section.reading.report(section.mark(of: "topic"), section.path(of: "topic"), refusal.reason, refusal.remedy)
        }
        warnOfMissingKeys(in: section)
    }

    /// Updates may have no document, and deletes never have one.
    private func warnOfMissingKeys(in section: ConfigurationSection) {
        guard case .field(let path) = key else { return }
        let (mark, place) = (section.mark(of: "key"), section.path(of: "key"))
        if path.first == "fullDocumentBeforeChange", fullDocumentBeforeChange == .off {
            section.reading.warn(
                mark, place,
                "events carry no earlier document with `fullDocumentBeforeChange: off`, so records will have no key; write "
                    + "`fullDocumentBeforeChange: whenAvailable`")
        }
        guard path.first == "fullDocument" else { return }
        if fullDocument == .default {
            section.reading.warn(
                mark, place,
                "updates carry no document with `fullDocument: default`, so their records will have no key; write "
                    + "`fullDocument: updateLookup` for the current document")
        }
        if tombstones {
            section.reading.warn(
                mark, place,
                "a delete carries no document, so its tombstone will have no key and deletes nothing; write `key: documentKey`, or "
                    + "`tombstones: false`")
        }
    }

    private static func refuseContradictions(
        key: RecordKey?, format: RecordFormat?, content: RecordContent?, tombstones: Bool?, in section: ConfigurationSection
    ) {
        if tombstones == true, key == RecordKey.none, format?.isDebezium != true {
            section.reading.report(
                section.mark(of: "tombstones"), section.path(of: "tombstones"), "a tombstone without a key deletes nothing",
                "choose another `key`, or write `tombstones: false`")
        }
        func refuse(_ name: String, _ reason: String, _ remedy: String) {
            section.reading.report(section.mark(of: name), section.path(of: name), reason, remedy)
        }
        if content == .fullDocument {
            switch format {
            case .template:
                refuse(
                    "content", "a template always reads the whole change event",
                    "remove `content`, and begin its paths with `fullDocument.`")
            case .debezium:
                refuse(
                    "content", "`format: debezium` writes the whole envelope, with the document in `after`",
                    "remove `content`, or choose another `format`")
            case .cloudevents:
                refuse(
                    "content", "`format: cloudevents` writes the whole change event", "remove `content`, or choose another `format`")
            case .relaxed, .canonical, .simple, .bson, nil: break
            }
        }
        if format?.isDebezium == true, let key, key != .documentKey {
            refuse(
                "key", "`format: debezium` has the document's `_id` as the key, by which its consumers find the document",
                "remove `key`, or choose another `format`")
        }
    }
}

extension WatchScope {
    /// Reads `watch:`.
    fileprivate init?(reading section: ConfigurationSection) {
        guard let located = section.value("watch") else { return nil }
        guard case .list(let items) = located.value.content else {
            let scope = section.parse("watch") { text throws(ConfigurationComplaint) in try WatchScope(parsing: text) }
            guard let scope else { return nil }
            self = scope
            return
        }
        guard !items.isEmpty else {
            section.report(located, "found an empty list", "name at least one collection: \"db.coll\"")
            return nil
        }
        var namespaces: [Namespace] = []
        for (index, item) in items.enumerated() {
            let itemLocated = ConfigurationSection.Located(value: item, path: located.path.appending(index: index))
            guard case .scalar(let scalar) = item.content, !scalar.isNull else {
                if !item.isBroken { section.report(itemLocated, "found \(item.kind)", "write \"db.coll\"") }
                continue
            }
            let namespace = section.parse(scalar, itemLocated) { text throws(ConfigurationComplaint) in try Namespace(parsing: text) }
            guard let namespace else { continue }
            if namespaces.contains(namespace) {
                section.report(itemLocated, "\(scalar.shown) is in the list twice", "keep one of them")
            }
            namespaces.append(namespace)
        }
        guard namespaces.count == items.count else { return nil }
        self = .collections(namespaces)
    }
}

extension StartPoint {
    /// Reads `startAt:`.
    fileprivate init?(reading section: ConfigurationSection) {
        guard let located = section.value("startAt") else { return nil }
        guard case .mapping(let entries) = located.value.content else {
            let point = section.parse("startAt") { text throws(ConfigurationComplaint) in try StartPoint(word: text) }
            guard let point else { return nil }
            self = point
            return
        }
        let start = section.section("startAt")
        guard let name = entries.first?.key, entries.count == 1 else {
            section.report(located, "found \(entries.count) starting points", "write exactly one of time, clusterTime, token")
            return nil
        }
        let point = start.parse(name) { text throws(ConfigurationComplaint) in
            switch name {
            case "time": try StartPoint(time: text)
            case "clusterTime": try StartPoint(clusterTime: text)
            default: try StartPoint(token: text)
            }
        }
        guard let point else { return nil }
        self = point
    }
}
