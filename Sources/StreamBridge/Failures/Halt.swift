import Kafka

/// Why a stream stopped for good, and how to fix it.
package struct Halt: Error, Sendable, Equatable, CustomStringConvertible {
    /// What a process that ran only this stream reports (contract, section 1).
    package enum Status: Int32, Sendable {
        case configuration = 78
        case lostPosition = 65
        case internalFault = 70
    }

    package let reason: String
    package let remedy: String
    package let status: Status

    /// What a server says often ends with a full stop of its own.
    package var description: String { "\(reason)\(reason.hasSuffix(".") ? "" : ".") \(remedy)" }

    /// The halt that decides a process's exit status: a lost position before a configuration to fix.
    package static func gravest(of halts: [Halt]) -> Halt? { halts.min { $0.status.rawValue < $1.status.rawValue } }
}

extension Halt {
    init(_ missing: MissingTopic) {
        self.init(
            reason: "\(missing)", remedy: "Create it (\(missing.command)), or set topics.create: true", status: .configuration)
    }

    static func unexpected(_ error: any Error) -> Halt {
        Halt(reason: "unexpected error: \(error)", remedy: "This is a fault of the bridge; please report it", status: .internalFault)
    }
}
