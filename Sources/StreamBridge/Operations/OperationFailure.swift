import Kafka
import Mongo

/// How errors of a server end a command: transient errors become ``Unreachable``, all others a ``Halt``.
enum OperationFailure {
    /// What the command throws: ``Unreachable``, ``Halt``, or what is no error of a server as it is.
    static func ending(_ error: any Error) -> any Error {
        if let error = error as? MongoError { return StreamFailure(mongoDB: error).halt ?? Unreachable(mongoDB: error) }
        guard error is KafkaError || error is MissingTopic else { return error }
        switch StreamFailure(kafka: error) {
        case .halt(let halt): return halt
        case .reopen, .restart: return Unreachable(server: "Kafka", reason: "\(error)")
        }
    }

    /// The same for a command that reads a stream, and so meets errors of both sides: ``Unreachable``, ``Halt``, or a
    /// ``WrongUsage`` as it is.
    static func ending(_ error: any Error, of stream: StreamSettings, bridge: String) -> any Error {
        if error is Unreachable || error is WrongUsage { return error }
        switch StreamFailure(error, stream: stream, bridge: bridge) {
        case .halt(let halt): return halt
        case .reopen, .restart:
            return error.isOfMongoDB
                ? Unreachable(mongoDB: error) : Unreachable(server: "Kafka", reason: "\(error)")
        }
    }
}

extension Error {
    fileprivate var isOfMongoDB: Bool { self is MongoError || self is ServerLost }
}

/// Some records were sent, then something went wrong.
package struct SendingInterrupted: Error, CustomStringConvertible {
    /// How many Kafka has stored.
    package let sent: Int
    package let topic: String
    /// ``Unreachable`` or ``Halt``.
    package let cause: any Error

    package var description: String { "\(cause). Kafka has stored \(sent) of them in \(topic)" }
}
