import Mongo

/// How often a change stream is opened at the oldest entry of the oplog. A server that is full cuts its oplog at any
/// moment, also between the question for the oldest entry and the opening there.
struct OldestStart {
    /// A server that has forgotten the beginning so often forgets faster than anybody reads.
    private static let maxTries = 5

    private var triesLeft = Self.maxTries - 1

    /// - Parameter error: what the opening ended with, or the reading from there.
    /// - Returns: whether to ask for the oldest entry again.
    mutating func isTriedAgain(after error: any Error) -> Bool {
        guard (error as? MongoError)?.lostPosition == .forgotten, triesLeft > 0 else { return false }
        triesLeft -= 1
        return true
    }
}
