/// What the story of the shipments sent, and what came of it.
struct ShipmentCount: Sendable, Equatable {
    /// A command and its answers. It may be sent again, and then has as many.
    private struct Tally: Equatable {
        var sent = 0
        var answered = 0
        /// Of the first answer.
        var status = ""
        var text = ""
        /// Answers other than the first one.
        var changed = 0
    }

    private var tallies: [String: Tally] = [:]
    /// Commands that can never succeed.
    private(set) var malformed = 0
    private(set) var deadLetters = 0
    /// Active shipments in MongoDB.
    var active = 0
    /// Different trucks of these.
    var trucks = 0

    mutating func sent(_ id: String, isMalformed: Bool = false) {
        tallies[id, default: Tally()].sent += 1
        if isMalformed { malformed += 1 }
    }

    /// - Parameter text: the whole record.
    mutating func answered(_ id: String, status: String, text: String) {
        var tally = tallies[id] ?? Tally()
        tally.answered += 1
        if tally.answered == 1 {
            tally.status = status
            tally.text = text
        } else if tally.text != text {
            tally.changed += 1
        }
        tallies[id] = tally
    }

    mutating func foundDeadLetter() { deadLetters += 1 }

    /// Command records.
    var commands: Int { sum(\.sent) }
    /// Outcome records.
    var outcomes: Int { sum(\.answered) }
    /// Commands, each counted once, whose outcome has the status.
    func number(of status: String) -> Int { tallies.values.count { $0.status == status } }

    /// How many shipments have to be active, by the outcomes.
    private var underway: Int { number(of: "dispatched") + number(of: "reassigned") - number(of: "completed") }

    /// Whether every command has its outcome, and every malformed one is a dead letter.
    var isAnswered: Bool { unanswered == 0 }
    private var unanswered: Int { sum { max(0, $0.sent - $0.answered) } + max(0, malformed - deadLetters) }

    var missing: Int { unanswered + max(0, underway - active) }
    /// Answers that nobody asked for, shipments that no outcome speaks of, trucks that are out twice.
    var repeated: Int {
        sum { max(0, $0.answered - $0.sent) } + max(0, deadLetters - malformed) + max(0, active - underway) + (active - trucks)
    }
    /// Answers to a command sent again that are not the same, byte for byte.
    var changed: Int { sum(\.changed) }

    private func sum(_ part: (Tally) -> Int) -> Int { tallies.values.reduce(0) { $0 + part($1) } }
}

extension ShipmentCount: CustomStringConvertible {
    var description: String {
        """
        \(commands) commands in Kafka, \(outcomes) outcomes, \(deadLetters) dead \(deadLetters == 1 ? "letter" : "letters"); \
        \(active) active shipments in MongoDB, \(trucks) different trucks
        """
    }
}
