import Mongo
import Runtime

/// The unique index that decides who gets a resource: nobody else does.
struct GuardIndex: Sendable, Equatable {
    enum Kind: Sendable, Equatable {
        /// Over the documents with `status: "active"`.
        case partial
        /// Over all documents: whatever has the resource holds it, active or not.
        case plain
    }

    let kind: Kind
    /// The guarded field.
    let field: String
    /// Names of the indexes that guard it, and of those that refuse only what these refuse, too.
    let names: [String]
    /// Names of unique indexes on the field and on `_id`: one of them can refuse only what the index on `_id` refuses.
    var identities: [String] = []

    /// Which index refused a document.
    enum Match: Equatable {
        case identity
        case resource
        case other(String)
        /// An index on the field that was not there when the session began, by its name.
        case unknown(String)
    }

    func match(_ refusal: WriteReply.Refusal) -> Match {
        let name = Self.indexName(in: refusal.message)
        guard let pattern = refusal.keyPattern else {
            // Servers before 4.4.
            guard let name else { return .other("unknown") }
            return name == "_id_" ? .identity : match(name) ?? .other(name)
        }
        if pattern == ["_id"] { return .identity }
        guard pattern.contains(field) else { return .other(pattern.joined(separator: ", ")) }
        guard let name else { return pattern == [field] ? .resource : .other(pattern.joined(separator: ", ")) }
        return match(name) ?? .unknown(name)
    }

    private func match(_ name: String) -> Match? {
        names.contains(name) ? .resource : identities.contains(name) ? .identity : nil
    }

    /// From `E11000 duplicate key error collection: db.coll index: truck_id_1 dup key: { … }`; an index with a
    /// collation has that before `dup key`.
    private static func indexName(in message: String) -> String? {
        let text = Array(message.utf8)
        func stands(_ mark: [UInt8], at place: Int, before end: Int) -> Bool { text[place..<end].starts(with: mark) }
        guard let end = text.indices.first(where: { stands(Self.end, at: $0, before: text.count) }),
            // The name of a collection may have the mark in it, too.
            let mark = (0..<end).last(where: { stands(Self.mark, at: $0, before: end) })
        else { return nil }
        let start = mark + Self.mark.count
        let name = (start..<end).first { stands(Self.collation, at: $0, before: end) } ?? end
        return String(decoding: text[start..<name], as: UTF8.self)
    }

    private static let mark = Array(" index: ".utf8)
    private static let collation = Array(" collation: {".utf8)
    private static let end = Array(" dup key".utf8)

    /// The halt for a document that holds no resource, which an index on the resource refuses all the same.
    func halt(refusing refusal: WriteReply.Refusal, dispatcher: DispatcherSettings) -> Halt {
        Halt(
            reason:
                "a unique index on \(field) of \(dispatcher.collection) refuses documents that hold no resource: \(refusal.message)",
            remedy: "Find out who wrote the document with that value, or drop the index if it is not \(names.joined(separator: ", ")), and "
                + "start again",
            status: .configuration)
    }

    /// The halt for a resource that the server called free, again and again, while an index refused it and no document
    /// held it.
    static func halt(refusing resource: Resource, by refusal: WriteReply.Refusal, dispatcher: DispatcherSettings) -> Halt {
        Halt(
            reason: "no document of \(dispatcher.collection) holds \(dispatcher.resource.field) \(resource), and an index refuses it: "
                + refusal.message,
            remedy: "Drop that index if it is not meant to guard \(dispatcher.resource.field), or repair it (validate), and start again",
            status: .configuration)
    }

    /// The unique indexes on the field are not those that the session began with.
    struct Changed: Error, Sendable, CustomStringConvertible {
        let dispatcher: DispatcherSettings

        var description: String { "the unique indexes on \(dispatcher.resource.field) of \(dispatcher.collection) have changed" }
    }
}

// MARK: Judging

extension GuardIndex {
    /// What an index that can refuse documents means for the resources.
    private enum Standing {
        case guards
        /// Whatever it refuses, a guard refuses, too.
        case implied
        /// Whatever it refuses, the index on `_id` refuses, too.
        case identity
        /// It has no documents of the dispatcher.
        case apart
        /// It could refuse a resource that is free.
        case rival(because: String)
    }

    /// Finds the index that guards the resources, and judges every other one that could refuse a resource.
    ///
    /// - Throws: ``Missing``; ``WaitsFor`` while it is being built; ``Halt`` for an index that could refuse a resource
    ///   that the guard calls free: the commands behind such a refusal would wait for good.
    static func judge(_ indexes: [CollectionIndex], for dispatcher: DispatcherSettings) throws -> GuardIndex {
        let field = dispatcher.resource.field
        let mine = indexes.filter { $0.keys.contains(field) && $0.refusesDuplicates }
        let guards = mine.filter { $0.guards(field) }
        // Where both are there, the plain one refuses more.
        let kind: Kind = guards.contains { $0.filter == nil } ? .plain : .partial
        var names: [String] = []
        var identities: [String] = []
        for index in mine {
            switch standing(of: index, beside: kind, dispatcher) {
            case .guards, .implied: names.append(index.name)
            case .identity: identities.append(index.name)
            case .apart: break
            case .rival(let reason): throw halt(naming: index, because: reason, dispatcher)
            }
        }
        let ready = guards.filter { !$0.isBeingBuilt && ($0.filter == nil || kind == .partial) }
        guard !ready.isEmpty else {
            // A build that somebody began decides by its end which documents there may be.
            if let building = guards.first(where: \.isBeingBuilt) { throw beingBuilt(building.name, dispatcher) }
            throw Missing(dispatcher: dispatcher, nearby: nearby(indexes, field))
        }
        return GuardIndex(kind: kind, field: field, names: names, identities: identities)
    }

    /// The wait for a guard that does not refuse anything yet.
    static func beingBuilt(_ name: String, _ dispatcher: DispatcherSettings) -> WaitsFor {
        WaitsFor(
            description:
                "the unique index \(name) of \(dispatcher.collection) is still being built, and no command is answered before it is done",
            kind: .waiting)
    }

    private static func standing(of index: CollectionIndex, beside kind: Kind, _ dispatcher: DispatcherSettings) -> Standing {
        if index.guards(dispatcher.resource.field) { return .guards }
        let filter = index.filter.map { IndexFilter($0) }
        if index.collation == nil {
            // Equal keys have equal `_id`s.
            if index.keys.contains("_id") { return .identity }
            // Equal keys have equal resources. Under a plain guard no two documents have that, and every document of
            // the dispatcher has a value in the field. Under a partial one no two active ones have, and this index has
            // no others.
            if kind == .plain || filter?.takesActiveOnly == true { return .implied }
        }
        if let filter {
            let fields = ShipmentWriter.fields(of: dispatcher)
            guard ShipmentWriter.statuses.contains(where: { filter.mayTake(documentsWith: fields, status: $0) }) else { return .apart }
        }
        return .rival(
            because: index.collation.map {
                "it compares texts by the collation \($0), and so takes some for equal that are different resources"
            }
                ?? "it has documents that are not active\(index.keys.count > 1 ? " or hold something else" : "")")
    }

    private static func halt(naming index: CollectionIndex, because reason: String, _ dispatcher: DispatcherSettings) -> Halt {
        Halt(
            reason: "the unique index \(index.name) of \(dispatcher.collection), on \(index.keys.joined(separator: ", ")), could refuse a "
                + "\(dispatcher.resource.field) that is free: \(reason)",
            remedy: "Drop it: \(dispatcher.collection.inShell).dropIndex(\(index.name.jsonQuoted)). If it is needed, make it anew with "
                + "partialFilterExpression: {status: \"active\"} and without a collation",
            status: .configuration)
    }

    /// What is wrong with indexes that come close.
    private static func nearby(_ indexes: [CollectionIndex], _ field: String) -> [String] {
        indexes.filter { $0.keys.contains(field) }.map { index in
            if index.keys != [field] { return "index \(index.name) is on other fields, too" }
            if !index.isUnique { return "index \(index.name) is not unique" }
            return "index \(index.name) is partial on \(index.filter ?? [:]), not on {\"status\":\"active\"}"
        }
    }
}

extension CollectionIndex {
    /// Whether it keeps two active documents from having one resource, once it is built.
    func guards(_ field: String) -> Bool {
        keys == [field] && isUnique && collation == nil
            && (filter == nil || filter == ["status": "active"] || filter == ["status": ["$eq": "active"]])
    }
}

extension Namespace {
    /// As mongosh names it.
    var inShell: String { "db.getSiblingDB(\(database.jsonQuoted)).getCollection(\(collection.jsonQuoted))" }
}
