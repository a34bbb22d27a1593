import Mongo

extension GuardIndex {
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
        "\(dispatcher.collection.inShell).createIndex({\(dispatcher.resource.field.jsonQuoted): 1}, "
            + "{name: \(name(for: dispatcher).jsonQuoted), unique: true, partialFilterExpression: {status: \"active\"}})"
    }

    /// Of the index that the bridge makes.
    static func name(for dispatcher: DispatcherSettings) -> String { "\(dispatcher.resource.field)_active" }

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
    var remedyForMissingRights: String {
        "Grant it createIndex on \(dispatcher.collection) (`bridge grants mongodb --with-index` prints the role), or run: \(command)"
    }

    /// What keeps the bridge from making the index; nil for what passes.
    func halt(because error: MongoError) -> Halt? {
        switch error.code {
        case nil: nil
        case .unauthorized:
            Halt(
                reason: "\(self), and the account may not make it", remedy: remedyForMissingRights, status: .configuration)
        case .duplicateKey:
            Halt(
                reason: "\(self), and it cannot be made, because two active documents have the same \(dispatcher.resource.field): "
                    + error.message,
                remedy: "End one of them, then run: \(command)", status: .configuration)
        case let code? where MongoFailures.table.retryClass(of: code) != nil: nil
        default: Halt(reason: "\(self), and it cannot be made: \(error)", remedy: "Run: \(command)", status: .configuration)
        }
    }
}
