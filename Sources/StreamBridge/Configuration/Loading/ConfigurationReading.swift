/// What one reading of a configuration gathers: every fault and every warning, with the file that they are in.
///
/// A class, because all the sections of one file add to the same lists; it never leaves the loader's call.
final class ConfigurationReading {
    let source: String
    let checks: ConfigurationChecks
    private(set) var faults: [ConfigurationFault] = []
    private(set) var warnings: [ConfigurationWarning] = []

    init(source: String, checks: ConfigurationChecks) {
        self.source = source
        self.checks = checks
    }

    func report(_ mark: ConfigurationMark, _ path: ConfigurationPath, _ found: String, _ remedy: String) {
        faults.append(
            ConfigurationFault(source: source, line: mark.line, column: mark.column, path: path.description, found: found, remedy: remedy))
    }

    func warn(_ mark: ConfigurationMark, _ path: ConfigurationPath, _ message: String) {
        let warning = ConfigurationWarning(
            source: source, line: mark.line, column: mark.column, path: path.description, message: message)
        if !warnings.contains(warning) { warnings.append(warning) }
    }

    /// Warns of a file with a secret that others may read.
    func warn(ofSecretIn file: String, _ mark: ConfigurationMark, _ path: ConfigurationPath) {
        if let exposure = checks.secretFile(file) { warn(mark, path, exposure) }
    }
}

/// What other parts of the bridge know about values, asked while the file is read so that their answers become faults with a line.
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
