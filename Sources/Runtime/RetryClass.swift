/// What kind of error made an attempt fail that is made again: for figures, and to tell a server that does not answer
/// from one that refuses.
package enum RetryClass: String, CaseIterable, Sendable {
    /// A connection broke, or none could be made.
    case network
    /// The primary, or the leader of a partition or of a group, is changing.
    case election
    /// An answer did not come in time.
    case timeout
    /// Another process, or another session of this one, has taken over.
    case fenced
    /// Anything else that Kafka said.
    case kafka
    case other
    /// Nothing failed: somebody is at work on what the loop waits for.
    case waiting

    /// The server did not answer.
    package var isSilence: Bool { self == .network || self == .timeout }

    /// The server answered, and what it said does not pass by itself soon.
    package var isRefusal: Bool {
        switch self {
        case .fenced, .kafka, .other: true
        case .network, .election, .timeout, .waiting: false
        }
    }
}
