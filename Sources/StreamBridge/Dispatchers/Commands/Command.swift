import Mongo

/// A command, read and valid: what its record asks for.
struct Command: Sendable, Equatable {
    enum Order: Sendable, Equatable {
        /// Insert a document that holds a resource. `body` is where the configured fields are, as BSON elements, in the memory that the
        /// decoder wrote them to.
        case dispatch(resource: Resource, body: Range<Int>)
        /// End the active document of another command and free its resource.
        case complete(target: String)
    }

    /// Names the command for good: whatever comes with the same id is the same command.
    let id: String
    var order: Order
    /// Milliseconds since 1970; later than this the command is not carried out.
    let expiresAt: Int64?
}

/// Why a record is no command. It can never become one, so it is a dead letter.
struct CommandFault: Error, Sendable, Equatable {
    /// The code of the dead letter.
    enum Kind: String, Sendable {
        /// The record is not JSON.
        case malformed
        /// It is JSON, and no command.
        case invalid
    }

    let kind: Kind
    /// The command's id, where it can be read: then the fault is answered, too.
    let id: String?
    /// What is wrong, with the field.
    let message: String

    init(_ kind: Kind = .invalid, id: String?, message: String) {
        self.kind = kind
        self.id = id
        self.message = message
    }
}
