import Kafka

/// Why a stream stopped for good, and how to mend it.
package struct StreamHalt: Error, Sendable, Equatable, CustomStringConvertible {
    /// What a process that ran only this stream reports (contract, section 1).
    package enum Status: Int32, Sendable {
        case configuration = 78
        case lostPosition = 65
        case internalFault = 70
    }

    package let reason: String
    package let mend: String
    package let status: Status

    /// What a server says often ends with a full stop of its own.
    package var description: String { "\(reason)\(reason.hasSuffix(".") ? "" : ".") \(mend)" }

    /// The halt that decides a process's exit status: a lost position before a configuration to mend.
    package static func gravest(of halts: [StreamHalt]) -> StreamHalt? { halts.min { $0.status.rawValue < $1.status.rawValue } }
}

extension StreamHalt {
    init(_ missing: MissingTopic) {
        self.init(
            reason: "\(missing)", mend: "Create it (\(missing.command)), or set topics.create: true", status: .configuration)
    }

    static func unexpected(_ error: any Error) -> StreamHalt {
        StreamHalt(reason: "unexpected error: \(error)", mend: "This is a fault of the bridge; please report it", status: .internalFault)
    }
}
