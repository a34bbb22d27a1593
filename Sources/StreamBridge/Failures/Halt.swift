import Kafka

/// Why a stream stopped for good, and how to fix it.
package struct Halt: Error, Sendable, Equatable, CustomStringConvertible {
    package let reason: String
    package let remedy: String
    /// What a process that ran only this stream reports.
    package let status: ExitStatus

    /// What a server says often ends with a full stop of its own.
    package var description: String { "\(reason)\(reason.hasSuffix(".") ? "" : ".") \(remedy)" }
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
