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
