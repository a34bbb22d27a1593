import Mongo

/// What a stream's pipeline makes of its events, as far as the stages say it without a server.
struct PipelineReview {
    /// The fields of an event (MongoDB 7.0, "Change Events").
    private static let eventFields: Set<String> = [
        "_id", "operationType", "clusterTime", "wallTime", "txnNumber", "lsid", "fullDocument", "fullDocumentBeforeChange", "ns", "nsType",
        "to",
        "documentKey", "updateDescription", "operationDescription", "collectionUUID", "stateBeforeChange", "splitEvent",
    ]

    /// Nil when nobody can tell.
    private var fields: Set<String>? = PipelineReview.eventFields
    private var remarks: [StreamRemark] = []

    static func remarks(on stream: StreamSettings) -> [StreamRemark] {
        // What is no pipeline is told when the stream is opened.
        guard let stages = try? stream.stages() else { return [] }
        var review = PipelineReview()
        for (index, stage) in stages.enumerated() { review.take(stage, at: index) }
        review.judge(stream)
        return review.remarks
    }

    private mutating func take(_ stage: BSONDocument, at index: Int) {
        guard let (name, value) = try? stage.fields().first else { return }
        let place = "stage \(index) of the pipeline, \(name),"
        switch (name, value) {
        case ("$match", .document(let condition)): match(condition, place)
        case ("$project", .document(let projection)): project(projection, place)
        case ("$unset", .string(let path)): unset([path], place)
        case ("$unset", .array(let paths)): unset(paths.compactMap(\.stringValue), place)
        case ("$set", .document(let added)), ("$addFields", .document(let added)): add(added, place)
        case ("$replaceWith", let root): replace(root, place)
        case ("$replaceRoot", .document(let document)): if let root = document["newRoot"] { replace(root, place) }
        default: break
        }
    }

    private static func top(_ path: String) -> String { String(path.prefix { $0 != "." }) }

    // MARK: Conditions

    private mutating func match(_ condition: BSONDocument, _ place: String) {
        guard let fields, let parts = try? condition.fields() else { return }
        for (path, value) in parts {
            if ["$and", "$or", "$nor"].contains(path) {
                for part in value.arrayValue ?? [] { if let part = part.documentValue { match(part, place) } }
            } else if !path.hasPrefix("$"), !fields.contains(Self.top(path)) {
                let isGone = Self.eventFields.contains(Self.top(path))
                remarks.append(
                    .warning(
                        .pipelineUnknownField,
                        "\(place) asks for `\(path)`, which no event has\(isGone ? " behind the stages before it" : "")",
                        remedy: isGone ? "Ask for it in a stage before" : "Write `fullDocument.\(path)` for a field of the document"))
            }
        }
    }

    // MARK: Shapes

    private mutating func breaksToken(_ place: String) {
        remarks.append(
            .fault(
                .pipelineChangesToken,
                "\(place) removes or changes the events' `_id`, which is their resume token: MongoDB ends such a stream at its first event",
                remedy: StreamFailure.changedToken))
    }

    private mutating func project(_ projection: BSONDocument, _ place: String) {
        guard let parts = try? projection.fields() else { return }
        func isExcluded(_ value: BSONValue) -> Bool { value == .boolean(false) || value.doubleValue == 0 }
        func isIncluded(_ value: BSONValue) -> Bool {
            value == .boolean(true) || (value.doubleValue.map { $0 != 0 } ?? false) || value == "$_id"
        }
        if parts.contains(where: { Self.top($0.key) == "_id" && !($0.key == "_id" && isIncluded($0.value)) }) { breaksToken(place) }
        let others = parts.filter { Self.top($0.key) != "_id" }
        guard !others.isEmpty else {
            // By itself it leaves out everything else.
            fields = fields.map { $0.intersection(["_id"]) }
            return
        }
        if others.allSatisfy({ isExcluded($0.value) }) {
            // A part of a field that goes leaves the field.
            fields?.subtract(others.map(\.key))
        } else {
            let kept = Set(others.filter { !isExcluded($0.value) }.map { Self.top($0.key) })
            // What is only included is there only if it was before.
            let computed = Set(others.filter { !isIncluded($0.value) }.map { Self.top($0.key) })
            fields = fields.map { $0.intersection(kept).union(computed).union(["_id"]) }
        }
    }

    private mutating func unset(_ paths: [String], _ place: String) {
        if paths.contains(where: { Self.top($0) == "_id" }) { breaksToken(place) }
        fields?.subtract(paths)
    }

    private mutating func add(_ added: BSONDocument, _ place: String) {
        guard let parts = try? added.fields() else { return }
        if parts.contains(where: { Self.top($0.key) == "_id" && !($0.key == "_id" && $0.value == "$_id") }) { breaksToken(place) }
        fields?.formUnion(parts.map { Self.top($0.key) })
    }

    private mutating func replace(_ root: BSONValue, _ place: String) {
        switch root {
        case .string("$$ROOT"), .string("$$CURRENT"): return
        case .string:
            // A part of the event has no token of its own.
            breaksToken(place)
            fields = nil
        case .document(let document):
            let parts = (try? document.fields()) ?? []
            // An operator's result is known when it runs.
            guard !parts.contains(where: { $0.key.hasPrefix("$") }) else {
                fields = nil
                return
            }
            if document["_id"] != "$_id" { breaksToken(place) }
            fields = Set(parts.map { Self.top($0.key) }).union(["_id"])
        default: return
        }
    }

    // MARK: What is missing at the end

    private mutating func judge(_ stream: StreamSettings) {
        guard let fields else { return }
        func warn(without field: String, _ consequence: String, remedy: String) {
            guard !fields.contains(field) else { return }
            remarks.append(.warning(.pipelineDropsField, "the pipeline leaves no `\(field)`, so \(consequence)", remedy: remedy))
        }
        let keep = "Keep it: $project with 0 leaves fields out, with 1 it leaves out all the others"
        switch stream.key {
        case .documentKey:
            warn(
                without: "documentKey", "records have no key, and those of one document come in any order",
                remedy: "\(keep). Or write `key: none`, or a path that is left")
        case .field(let path):
            if let first = path.first, !fields.contains(first) {
                remarks.append(
                    .warning(
                        .pipelineDropsField,
                        "the pipeline leaves no `\(first)`, so the key `\(path.joined(separator: "."))` is in no event, and records have no key",
                        remedy: keep))
            }
        case .none: break
        }
        let more = [
            stream.tombstones ? "no tombstone is written" : nil, stream.fullDocument == .batchedLookup ? "no document is looked up" : nil,
        ]
        warn(
            without: "operationType",
            (["records do not say what happened (header mongodb.op)"] + more.compactMap(\.self)).joined(separator: ", and "), remedy: keep)
        warn(
            without: "ns", "records do not say which collection they are of, and `{db}` and `{coll}` of the topic stand for nothing",
            remedy: keep)
        if stream.content == .fullDocument { warn(without: "fullDocument", "all values are null", remedy: keep) }
    }
}
