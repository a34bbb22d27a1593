import Mongo

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
    /// Names of the indexes that guard it: for servers that name an index only by that.
    let names: [String]

    /// Which index refused a document.
    enum Match: Equatable {
        case identity
        case resource
        case other(String)
    }

    func match(_ refusal: WriteReply.Refusal) -> Match {
        if let pattern = refusal.keyPattern {
            if pattern == ["_id"] { return .identity }
            return pattern == [field] ? .resource : .other(pattern.joined(separator: ", "))
        }
        // Servers before 4.4: `E11000 duplicate key error collection: db.coll index: truck_id_1 dup key: { … }`.
        guard let name = refusal.message.firstMatch(of: #/index: (\S+) dup key/#)?.output.1 else { return .other("unknown") }
        if name == "_id_" { return .identity }
        return names.contains(String(name)) ? .resource : .other(String(name))
    }

    /// The halt for a rejection, which holds no resource, that an index on the resource refuses all the same.
    func halt(refusing refusal: WriteReply.Refusal, dispatcher: DispatcherSettings) -> StreamHalt {
        StreamHalt(
            reason:
                "a unique index on \(field) of \(dispatcher.collection), besides \(names.joined(separator: ", ")), refuses documents that hold "
                + "no resource: \(refusal.message)",
            mend: "Drop that index, and start again", status: .configuration)
    }

    /// Why a collection has no such index.
    struct Missing: Error, Sendable, Equatable, CustomStringConvertible {
        let dispatcher: DispatcherSettings
        /// What is wrong with indexes that come close.
        let nearby: [String]

        var description: String {
            let field = dispatcher.resource.field
            return "\(dispatcher.collection) has no unique index on \(field) alone"
                + (nearby.isEmpty ? "" : ": \(nearby.joined(separator: "; "))")
        }

        /// The command of the shell that makes it.
        var command: String { GuardIndex.shellCommand(for: dispatcher) }
    }

    /// The command of the shell that makes the index.
    static func shellCommand(for dispatcher: DispatcherSettings) -> String {
        "db.getSiblingDB(\(dispatcher.collection.database.jsonQuoted)).getCollection(\(dispatcher.collection.collection.jsonQuoted))"
            + ".createIndex({\(dispatcher.resource.field.jsonQuoted): 1}, "
            + "{name: \(name(for: dispatcher).jsonQuoted), unique: true, partialFilterExpression: {status: \"active\"}})"
    }

    private static func name(for dispatcher: DispatcherSettings) -> String { "\(dispatcher.resource.field)_active" }

    /// Looks for the index.
    ///
    /// - Throws: ``Missing``, or ``MongoError``.
    static func find(for dispatcher: DispatcherSettings, of client: borrowing MongoClient) throws -> GuardIndex {
        let field = dispatcher.resource.field
        var kinds: [(name: String, kind: Kind)] = []
        var nearby: [String] = []
        for index in try indexes(of: dispatcher.collection, client: client) {
            guard let name = index["name"]?.stringValue, let key = index["key"]?.documentValue, key.keys.contains(field) else { continue }
            guard key.keys == [field] else {
                nearby.append("index \(name) is on other fields, too")
                continue
            }
            guard index["unique"]?.isTruthy == true else {
                nearby.append("index \(name) is not unique")
                continue
            }
            guard let filter = index["partialFilterExpression"]?.documentValue else {
                kinds.append((name, .plain))
                continue
            }
            if filter == ["status": "active"] || filter == ["status": ["$eq": "active"]] {
                kinds.append((name, .partial))
            } else {
                nearby.append("index \(name) is partial on \(filter), not on {\"status\":\"active\"}")
            }
        }
        guard !kinds.isEmpty else { throw Missing(dispatcher: dispatcher, nearby: nearby) }
        // Where both are there, the plain one refuses more.
        return GuardIndex(kind: kinds.contains { $0.kind == .plain } ? .plain : .partial, field: field, names: kinds.map(\.name))
    }

    private static func indexes(of namespace: Namespace, client: borrowing MongoClient) throws(MongoError) -> [BSONDocument] {
        let reply: BSONDocument
        do throws(MongoError) {
            reply = try client.commandOnPrimary(
                ["listIndexes": .string(namespace.collection), "cursor": ["batchSize": 1000]], on: namespace.database,
                operation: "look at the indexes of \(namespace)")
        } catch {
            // NamespaceNotFound: no collection yet.
            if error.code == 26 { return [] }
            throw error
        }
        return reply["cursor"]?.documentValue?["firstBatch"]?.arrayValue?.compactMap(\.documentValue) ?? []
    }

    /// Looks for the index and makes it when it is missing.
    ///
    /// - Throws: ``StreamHalt`` when it can be neither found nor made, or ``MongoError``.
    static func ensure(for dispatcher: DispatcherSettings, writeConcern: WriteConcern, of client: borrowing MongoClient) throws -> (
        index: GuardIndex, isNew: Bool
    ) {
        let missing: Missing
        do {
            return (try find(for: dispatcher, of: client), false)
        } catch let error as Missing {
            missing = error
        }
        var creation = creation(for: dispatcher)
        creation.append("writeConcern", .document(writeConcern.document))
        do throws(MongoError) {
            _ = try client.commandOnPrimary(creation, on: dispatcher.collection.database, operation: "make the unique index")
        } catch {
            if let halt = missing.halt(because: error) { throw halt }
            throw error
        }
        return (try find(for: dispatcher, of: client), true)
    }

    /// The command of the server that makes the index.
    static func creation(for dispatcher: DispatcherSettings) -> BSONDocument {
        [
            "createIndexes": .string(dispatcher.collection.collection),
            "indexes": [
                [
                    "key": .document([dispatcher.resource.field: 1]), "name": .string(name(for: dispatcher)), "unique": true,
                    "partialFilterExpression": ["status": "active"],
                ]
            ],
        ]
    }
}

extension GuardIndex.Missing {
    /// For an account that may not make it.
    var mendForLackOfRights: String {
        "Grant it createIndex on \(dispatcher.collection) (`bridge grants mongodb --with-index` prints the role), or run: \(command)"
    }

    /// What keeps the bridge from making the index; nil for what passes.
    fileprivate func halt(because error: MongoError) -> StreamHalt? {
        switch error.code {
        case nil: nil
        case 13:
            StreamHalt(
                reason: "\(self), and the account may not make it", mend: mendForLackOfRights, status: .configuration)
        case WriteReply.duplicateKey:
            StreamHalt(
                reason: "\(self), and it cannot be made, because two active documents have the same \(dispatcher.resource.field): "
                    + error.message,
                mend: "End one of them, then run: \(command)", status: .configuration)
        case let code? where DispatchFailure.passingWrites.contains(code) || error.passes: nil
        default: StreamHalt(reason: "\(self), and it cannot be made: \(error)", mend: "Run: \(command)", status: .configuration)
        }
    }
}
