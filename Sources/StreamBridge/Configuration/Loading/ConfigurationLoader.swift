import Foundation
import Kafka

/// Reads `bridge.yaml`: strictly, and with every fault at once.
///
/// The rules are in docs/CONFIGURATION.md, the keys in ``ConfigurationKey``.
package enum ConfigurationLoader {
    /// Reads a file. Relative paths in `${file:PATH}` start at its folder.
    ///
    /// - Parameters:
    ///   - environment: what `${NAME}` takes its values from.
    ///   - checks: what the parts that own the drivers say about their values.
    /// - Throws: every fault of the file, sorted by line.
    package static func load(
        path: String, environment: [String: String], checks: ConfigurationChecks = .none
    ) throws(ConfigurationFaults) -> LoadedConfiguration {
        let yaml: String
        do throws(TextFile.Failure) {
            yaml = try TextFile.content(of: path)
        } catch {
            let remedy =
                error.isMissing
                ? "create one with `bridge init`, or name another file with --config PATH"
                : "name a readable YAML file with --config PATH"
            throw ConfigurationFaults([
                ConfigurationFault(
                    source: path, line: 0, column: 0, path: "", found: "cannot read the configuration: \(error)", remedy: remedy)
            ])
        }
        let folder = URL(filePath: path).deletingLastPathComponent()
        let locate = { (name: String) in name.hasPrefix("/") ? name : folder.appending(path: name).path }
        return try load(
            yaml: yaml, source: path, environment: environment,
            readFile: { try TextFile.content(of: locate($0), limit: 1 << 20) }, locate: locate, checks: checks)
    }

    /// Reads a text.
    ///
    /// - Parameters:
    ///   - source: what faults call the text.
    ///   - readFile: gives the content for `${file:PATH}`; the path is as it is written.
    ///   - locate: gives the path that the bridge itself would open.
    package static func load(
        yaml: String, source: String, environment: [String: String],
        readFile: (String) throws -> String, locate: @escaping (String) -> String = { $0 }, checks: ConfigurationChecks = .none
    ) throws(ConfigurationFaults) -> LoadedConfiguration {
        let reading = ConfigurationReading(source: source, checks: checks)
        let configuration = withoutActuallyEscaping(readFile) { readFile in
            var document = ConfigurationDocument(
                reading: reading, interpolation: Interpolation(environment: environment, readFile: readFile), locate: locate)
            return document.root(of: yaml).flatMap { read($0, reading: reading) }
        }
        guard reading.faults.isEmpty else { throw ConfigurationFaults(reading.faults) }
        guard let configuration else {
            // Every reader reports why it gives nothing, so this would be a mistake of ours; it must not pass for a
            // good file.
            throw ConfigurationFaults([
                ConfigurationFault(
                    source: source, line: 0, column: 0, path: "", found: "the configuration could not be read",
                    remedy: "please report this as a fault of the bridge")
            ])
        }
        let warnings = reading.warnings.sorted { ($0.line, $0.column) < ($1.line, $1.column) }
        return LoadedConfiguration(configuration: configuration, warnings: warnings)
    }

    private static func read(_ root: ConfigurationValue, reading: ConfigurationReading) -> BridgeConfiguration? {
        let checked = ConfigurationStructure(reading: reading).checked(root)
        let top = ConfigurationSection(checked, path: .root, schema: "", reading: reading)
        guard top.entries != nil else { return nil }

        // All of them are read before any is missed, so that every fault is found.
        let name = top.parse("name", LegalName.bridgePart)
        let mongodb = MongoDBSettings(reading: top.section("mongodb"))
        let kafka = KafkaSettings(reading: top.section("kafka"))
        let topics = TopicSettings(reading: top.section("topics"))
        let streams = StreamSettings.list(reading: top, bridge: name)
        let dispatchers = DispatcherSettings.list(reading: top, bridge: name)
        requireWork(in: top)
        let http = HTTPSettings.optional(reading: top)
        let limits = BridgeConfiguration.Limits(reading: top.section("limits"))
        let startupTimeout = top.timeout("startupTimeout")
        let shutdownTimeout = top.timeout("shutdownTimeout")

        guard let name, let mongodb, let kafka, let topics, let streams, let dispatchers, let limits, let startupTimeout,
            let shutdownTimeout
        else { return nil }
        return BridgeConfiguration(
            name: name, mongodb: mongodb, kafka: kafka, topics: topics, streams: streams, dispatchers: dispatchers,
            http: http, limits: limits, startupTimeout: startupTimeout, shutdownTimeout: shutdownTimeout)
    }

    /// A bridge without streams and dispatchers would do nothing, which nobody wants to find out later.
    private static func requireWork(in top: ConfigurationSection) {
        // What is there but broken was reported already.
        guard let streams = top.value("streams"), top.value("dispatchers") != nil, top.sections("streams").isEmpty,
            top.sections("dispatchers").isEmpty
        else { return }
        top.report(
            streams, "there is no stream and no dispatcher",
            "describe at least one under `streams:` or `dispatchers:`; a stream begins with `- name:` and has `watch:`")
    }
}

extension BridgeConfiguration.Limits {
    init?(reading section: ConfigurationSection) {
        let memory = section.parse("memory") { text throws(ConfigurationComplaint) in
            let bytes = try SizeText.parse(text)
            guard bytes >= 1 << 20 else { throw ConfigurationComplaint("allowed: 1MiB or more") }
            return bytes
        }
        guard let memory else { return nil }
        self.init(memory: memory)
    }
}
