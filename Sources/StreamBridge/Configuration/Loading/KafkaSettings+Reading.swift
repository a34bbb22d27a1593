import Kafka

extension KafkaSettings {
    /// Reads `kafka:`; nil when something in it is wrong.
    init?(reading section: ConfigurationSection) {
        let producer = Self.properties(of: section.section("producer"), role: .producer)
        let consumer = Self.properties(of: section.section("consumer"), role: .consumer)
        let common = Self.properties(of: section, role: .common)
        // Both sides may name their servers themselves.
        let namesServers = [section, section.section("producer"), section.section("consumer")]
            .map { $0.has("bootstrap.servers") || $0.has("metadata.broker.list") }
        guard namesServers[0] || (namesServers[1] && namesServers[2]) else {
            _ = section.value("bootstrap.servers")
            return nil
        }
        guard let common, let producer, let consumer else { return nil }
        self.init(common: common, producer: producer, consumer: consumer)
    }

    private static func properties(of section: ConfigurationSection, role: KafkaRole) -> [String: String]? {
        guard let entries = section.entries else { return nil }
        var properties: [String: String] = [:]
        var hasFault = false
        for entry in entries where role != .common || (entry.key != "producer" && entry.key != "consumer") {
            if let value = property(entry, in: section, role: role) { properties[entry.key] = value } else { hasFault = true }
        }
        return hasFault ? nil : properties
    }

    /// Properties that name a file with a private key.
    private static let keyFiles: Set<String> = ["ssl.key.location", "ssl.keystore.location", "sasl.kerberos.keytab"]

    private static func property(_ entry: ConfigurationValue.Entry, in section: ConfigurationSection, role: KafkaRole) -> String? {
        guard let (scalar, _) = section.verbatim(entry.key) else { return nil }
        let value = scalar.verbatim
        let path = section.path(of: entry.key)
        let shown = isSecret(entry.key) ? "the value" : scalar.shown
        func refuse(_ remedy: String) -> String? {
            section.reading.report(entry.value.mark, path, "\(shown) is refused", remedy)
            return nil
        }
        if let reason = KafkaPropertyRule.reason(refusing: entry.key, value: value) { return refuse(reason) }
        if entry.key == "bootstrap.servers" || entry.key == "metadata.broker.list", let remedy = fault(servers: value) {
            return refuse(scalar.isInterpolated ? "write host:port, with commas between several" : remedy)
        }
        guard let complaint = section.reading.checks.kafkaProperty(entry.key, value, role) else {
            if keyFiles.contains(entry.key) { section.reading.warn(ofSecretIn: value, entry.value.mark, path) }
            return value
        }
        let names = section.reading.checks.kafkaPropertyNames()
        if !names.isEmpty, !names.contains(entry.key), let nearest = NearestName.of(entry.key, among: names) {
            section.reading.report(entry.keyMark, path, "unknown property", "did you mean `\(nearest)`? librdkafka: \(complaint)")
            return nil
        }
        if complaint.hasPrefix("No such configuration property") {
            // Perhaps the misspelt name of a secret: its value is not shown.
            section.reading.report(entry.keyMark, path, "unknown property", "librdkafka: \(complaint)")
            return nil
        }
        guard isSecret(entry.key) || scalar.isInterpolated, !value.isEmpty else { return refuse("librdkafka: \(complaint)") }
        // librdkafka may quote a part of the value.
        return refuse("correct the value; librdkafka's documentation has what it takes")
    }

    /// What is wrong with a list of servers.
    private static func fault(servers: String) -> String? {
        // A password may have commas, so no part of the text is quoted.
        guard !servers.contains("@") else { return "write host:port, with commas between several, and no login" }
        for server in servers.split(separator: ",", omittingEmptySubsequences: false) {
            let server = server.trimming(while: \.isWhitespace)
            if server.isEmpty { return "write host:port, with commas between several" }
            let address = server.range(ofText: "://").map { server[$0.upperBound...] } ?? server
            if ConnectionURI.hostPort(address) == nil { return "\(String(server).quoted) is no host:port" }
            if let scheme = server.range(ofText: "://").map({ server[..<$0.lowerBound].lowercased() }),
                !["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"].contains(scheme)
            {
                return "write host:port, without `\(scheme)://`"
            }
        }
        return nil
    }
}

extension TopicSettings {
    /// Reads `topics:`; nil when something in it is wrong.
    init?(reading section: ConfigurationSection) {
        let create = section.boolean("create")
        let partitions = section.integer("partitions", in: 1...100_000)
        let replicationFactor = section.integer("replicationFactor", in: 1...32_767, or: Self.brokersDefault)
        let configSection = section.section("config")
        var config: [String: String] = [:]
        var hasFault = configSection.entries == nil
        for entry in configSection.entries ?? [] {
            if let (scalar, _) = configSection.verbatim(entry.key) { config[entry.key] = scalar.verbatim } else { hasFault = true }
        }
        guard let create, let partitions, let replicationFactor, !hasFault else { return nil }
        self.init(create: create, partitions: partitions, replicationFactor: replicationFactor, config: config)
    }
}

extension ConfigurationSection {
    /// A scalar that is passed on as a text. Reports one that is empty, because nobody can tell what it stands for.
    fileprivate func verbatim(_ name: String) -> (scalar: ConfigurationScalar, located: Located)? {
        guard let located = value(name), case .scalar(let scalar) = located.value.content else { return nil }
        guard !scalar.isNull else {
            report(located, "found nothing", "write \"\" for an empty text, or remove the key")
            return nil
        }
        return (scalar, located)
    }
}

extension ConfigurationScalar {
    /// The text for somebody else's parser: as it is, booleans in lower case.
    fileprivate var verbatim: String { !isText && ["true", "false"].contains(text.lowercased()) ? text.lowercased() : text }
}

extension StringProtocol {
    /// Without the characters at both ends that a test holds for.
    func trimming(while isTrimmed: (Character) -> Bool) -> SubSequence {
        var text = self[...]
        while let first = text.first, isTrimmed(first) { text = text.dropFirst() }
        while let last = text.last, isTrimmed(last) { text = text.dropLast() }
        return text
    }
}
