import Mongo

/// Why the server does not resume a position.
enum LostPositionCause: Sendable {
    /// The oplog no longer has it.
    case forgotten
    /// A token that the server can read and does not accept.
    case refused
    /// No token, or a part of one.
    case unreadable

    /// Of a position that is not a stored one.
    var remedy: String {
        switch self {
        case .forgotten:
            "The oplog no longer has this place: events are missing. Keep a larger oplog (replSetResizeOplog); to continue with a gap, "
                + "give the stream another name and a startAt"
        case .refused:
            "The server does not accept the position: it belongs to another deployment, or the pipeline hides its event or changes "
                + "its _id. Put the pipeline back as it was, with _id untouched, or give the stream another name and a startAt"
        case .unreadable:
            "This is not a whole resume token: it is cut off, mistyped, or was written by something else. Give all of it, as the header "
                + "mongodb.token has it, with what follows a colon; or a time, or `oldest`"
        }
    }
}

extension MongoError {
    /// Nil for an error whose code says nothing about the position.
    var lostPosition: LostPositionCause? {
        guard let code, case .lostPosition(let cause) = MongoFailures.table[code, .stream] else { return nil }
        return cause
    }
}
