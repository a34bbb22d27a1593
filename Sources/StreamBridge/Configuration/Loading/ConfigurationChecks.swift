/// What other parts of the bridge know about values, asked while the file is read so that their answers become faults
/// with a line.
package struct ConfigurationChecks: Sendable {
    /// What is wrong with a MongoDB URI, in the driver's words; nil when it is fine.
    package var uri: @Sendable (_ uri: String) -> String?
    /// What is wrong with a librdkafka property, in librdkafka's words; nil when it is fine.
    package var kafkaProperty: @Sendable (_ name: String, _ value: String, _ role: KafkaRole) -> String?
    /// The names that librdkafka knows, to name the nearest one; empty when that is not known.
    package var kafkaPropertyNames: @Sendable () -> [String]

    /// The file with the private key that a MongoDB URI names; nil when it names none.
    package var uriKeyFile: @Sendable (_ uri: String) -> String?
    /// What is wrong with who may read a file with a secret; nil when it is well.
    package var secretFile: @Sendable (_ path: String) -> String?

    package init(
        uri: @escaping @Sendable (_ uri: String) -> String? = { _ in nil },
        kafkaProperty: @escaping @Sendable (_ name: String, _ value: String, _ role: KafkaRole) -> String? = { _, _, _ in nil },
        kafkaPropertyNames: @escaping @Sendable () -> [String] = { [] },
        uriKeyFile: @escaping @Sendable (_ uri: String) -> String? = { _ in nil },
        secretFile: @escaping @Sendable (_ path: String) -> String? = { _ in nil }
    ) {
        self.uri = uri
        self.kafkaProperty = kafkaProperty
        self.kafkaPropertyNames = kafkaPropertyNames
        self.uriKeyFile = uriKeyFile
        self.secretFile = secretFile
    }

    /// No checks beyond the loader's own.
    package static let none = ConfigurationChecks()
}

/// The Kafka clients that a property is for.
package enum KafkaRole: String, Sendable, CaseIterable {
    case common, producer, consumer
}
