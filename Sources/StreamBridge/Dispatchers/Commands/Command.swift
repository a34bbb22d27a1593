import Mongo

/// A command, read and valid: what its record asks for.
struct Command: Sendable, Equatable {
    enum Order: Sendable, Equatable {
        /// Insert a document that holds a resource. `body` is where the configured fields are, as BSON elements, in the
        /// memory that the decoder wrote them to.
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
