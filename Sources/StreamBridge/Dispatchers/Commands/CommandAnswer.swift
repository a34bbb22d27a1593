/// What comes of a record.
enum CommandAnswer: Sendable, Equatable {
    case outcome(Outcome)
    /// The record can never succeed. Answered as well when it has an id.
    case deadLetter(DeadLetter, Outcome?)

    var outcome: Outcome? {
        switch self {
        case .outcome(let outcome): outcome
        case .deadLetter(_, let outcome): outcome
        }
    }

    var deadLetter: DeadLetter? {
        if case .deadLetter(let letter, _) = self { letter } else { nil }
    }
}
