/// One dispatcher: commands of a topic become documents that a unique index guards.
package struct DispatcherSettings: Sendable, Equatable {
    package var name: String
    /// The topics.
    package var commands: String
    package var outcomes: String
    package var deadLetters: String
    /// Where the documents go.
    package var collection: Namespace
    /// The body of a command, in the order of the configuration.
    package var fields: [CommandField]
    package var resource: ResourceSettings
    package var delivery: Delivery
}

/// One field of a command's body.
package struct CommandField: Sendable, Equatable {
    package var name: String
    package var type: CommandFieldType
    /// Whether a command without it is refused.
    package var isRequired: Bool
}

/// What the value of a field may be.
package enum CommandFieldType: Sendable, Equatable {
    case string
    /// A whole number of 64 bits. BSON: int32 where it fits, else int64.
    case int(minimum: Int64?, maximum: Int64?)
    /// Any finite number. BSON: double.
    case number(minimum: Double?, maximum: Double?)
    case boolean
    /// An ISO 8601 time with zone, as text. BSON: date.
    case date
}

/// What only one active document at a time may have.
package struct ResourceSettings: Sendable, Equatable {
    package enum Choice: String, Sendable, Equatable, CaseIterable {
        case random, lowest
    }

    /// The field that the unique index guards.
    package var field: String
    /// The collection whose `_id` values are the resources; without it a conflict is answered, never reassigned.
    package var pool: Namespace?
    /// Which of the free ones takes the place of one that is busy.
    package var choose: Choice
    /// The word in the outcome's message.
    package var label: String
}
