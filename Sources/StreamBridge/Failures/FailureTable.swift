import Runtime

/// What a server's error code means for what met it.
enum Reaction: Sendable {
    /// It passes: another try, which the metrics count in this class.
    case retry(RetryClass)
    /// Another try would meet it again, until people do this.
    case halt(remedy: String)
    /// The same, and which right the account lacks depends on what it is for.
    case missingRight
    case lostPosition(LostPositionCause)
    /// This document can never be written.
    case deadLetter
}

/// Every code of a server that the bridge knows. The classification, the classes of the metrics and the tables in
/// docs/OPERATIONS.md come from it.
struct FailureTable<Code: Hashable & Sendable>: Sendable {
    /// What meets an error.
    enum Subject: CaseIterable { case stream, dispatcher, document, indexBuild }

    struct Row: Sendable {
        let codes: [Code]
        let subjects: Set<Subject>
        let reaction: Reaction

        init(_ codes: [Code], of subjects: Set<Subject> = [.stream, .dispatcher], _ reaction: Reaction) {
            self.codes = codes
            self.subjects = subjects
            self.reaction = reaction
        }
    }

    let rows: [Row]
    private var reactions: [Subject: [Code: Reaction]] = [:]
    private var classes: [Code: RetryClass] = [:]

    init(_ rows: [Row]) {
        self.rows = rows
        for row in rows {
            for code in row.codes {
                for subject in row.subjects { reactions[subject, default: [:]][code] = row.reaction }
                if case .retry(let kind) = row.reaction { classes[code] = kind }
            }
        }
    }

    /// Nil for a code that nobody has decided about.
    subscript(code: Code, subject: Subject) -> Reaction? { reactions[subject]?[code] }

    /// Nil for a code that passes nowhere.
    func retryClass(of code: Code) -> RetryClass? { classes[code] }
}
