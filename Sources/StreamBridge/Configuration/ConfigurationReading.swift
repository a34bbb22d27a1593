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

    func report(_ mark: ConfigurationMark, _ path: ConfigurationPath, _ found: String, _ mend: String) {
        faults.append(
            ConfigurationFault(source: source, line: mark.line, column: mark.column, path: path.description, found: found, mend: mend))
    }

    func warn(_ mark: ConfigurationMark, _ path: ConfigurationPath, _ message: String) {
        let warning = ConfigurationWarning(
            source: source, line: mark.line, column: mark.column, path: path.description, message: message)
        if !warnings.contains(warning) { warnings.append(warning) }
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

    package init(
        uri: @escaping @Sendable (_ uri: String) -> String? = { _ in nil },
        kafkaProperty: @escaping @Sendable (_ name: String, _ value: String, _ role: KafkaRole) -> String? = { _, _, _ in nil },
        kafkaPropertyNames: @escaping @Sendable () -> [String] = { [] }
    ) {
        self.uri = uri
        self.kafkaProperty = kafkaProperty
        self.kafkaPropertyNames = kafkaPropertyNames
    }

    /// No checks beyond the loader's own.
    package static let none = ConfigurationChecks()
}

/// The Kafka clients that a property is for.
package enum KafkaRole: String, Sendable, CaseIterable {
    case common, producer, consumer
}
