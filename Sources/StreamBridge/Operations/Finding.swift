/// One result of ``Check``: what was looked at, how it is, and what fixes it.
package struct Finding: Sendable, Encodable {
    package enum Level: String, Sendable, Encodable, Comparable {
        case ok, warning, error

        private var rank: Int {
            switch self {
            case .ok: 0
            case .warning: 1
            case .error: 2
            }
        }
        package static func < (one: Level, other: Level) -> Bool { one.rank < other.rank }
    }

    package let id: FindingID
    package let level: Level
    /// For example `MongoDB`, `stream inventory`, `topic mongo.lessons.inventory`.
    package let subject: String
    package let text: String
    package let remedy: String?
    /// What `bridge check` exits with when this is its gravest error.
    package let status: ExitStatus

    package static func ok(_ id: FindingID, _ subject: String, _ text: String) -> Finding {
        Finding(id: id, level: .ok, subject: subject, text: text, remedy: nil, status: .done)
    }

    package static func warning(_ id: FindingID, _ subject: String, _ text: String, remedy: String) -> Finding {
        Finding(id: id, level: .warning, subject: subject, text: text, remedy: remedy, status: .done)
    }

    package static func error(
        _ id: FindingID, _ subject: String, _ text: String, remedy: String, status: ExitStatus = .configuration
    ) -> Finding {
        Finding(id: id, level: .error, subject: subject, text: text, remedy: remedy, status: status)
    }

    static func halt(_ id: FindingID, _ subject: String, _ halt: Halt) -> Finding {
        .error(id, subject, halt.reason, remedy: halt.remedy, status: halt.status)
    }
}

extension Finding {
    /// What is wrong in a configuration.
    package init(_ fault: ConfigurationFault) {
        let place = fault.line > 0 ? "\(fault.source):\(fault.line):\(fault.column)" : fault.source
        self = .error(
            .configurationFault, "configuration", [place, fault.path, fault.found].filter { !$0.isEmpty }.joined(separator: ": "),
            remedy: fault.remedy)
    }
}
