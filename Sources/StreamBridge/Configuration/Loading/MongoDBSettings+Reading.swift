import Mongo

extension MongoDBSettings {
    /// Reads `mongodb:`; nil when something in it is wrong.
    init?(reading section: ConfigurationSection) {
        let uri = section.scalar("uri").flatMap { Self.uri($0.scalar, $0.located, in: section) }
        let maxPoolSize = section.integer("maxPoolSize", in: 1...10_000)
        let serverSelectionTimeout = section.timeout("serverSelectionTimeout")
        let writeConcern = WriteConcern(reading: section.section("writeConcern"))
        guard let uri, let maxPoolSize, let serverSelectionTimeout, let writeConcern else { return nil }
        self.init(uri: uri, maxPoolSize: maxPoolSize, serverSelectionTimeout: serverSelectionTimeout, writeConcern: writeConcern)
    }

    /// A fault about a URI shows the redacted one, also when it was interpolated: without it, its sentence means
    /// little.
    private static func uri(
        _ scalar: ConfigurationScalar, _ located: ConfigurationSection.Located, in section: ConfigurationSection
    ) -> String? {
        do throws(ConfigurationComplaint) {
            try ConnectionURI.check(scalar.text)
        } catch {
            let found = scalar.isInterpolated ? "what \(scalar.shown) stands for is no URI" : error.found
            let remedy = scalar.isInterpolated ? "write mongodb:// or mongodb+srv://, user and password percent-encoded" : error.remedy
            section.report(located, found ?? "found no URI", remedy)
            return nil
        }
        if section.reading.checks.uri(scalar.text) != nil {
            let redacted = ConnectionURI.redacted(scalar.text)
            let shown = scalar.isInterpolated ? scalar.shown : redacted.quoted
            // The driver quotes what it refuses. So it is asked about the URI without its secrets; if it takes that, a
            // secret is what it refuses.
            section.report(located, "the driver refuses \(shown)", section.reading.checks.uri(redacted) ?? ConnectionURI.percentEncode)
            return nil
        }
        if let file = section.reading.checks.uriKeyFile(scalar.text) {
            section.reading.warn(ofSecretIn: file, located.value.mark, section.path(of: "uri"))
        }
        return scalar.text
    }
}

extension MongoDBSettings.WriteConcern {
    /// Reads `writeConcern:`; nil when something in it is wrong.
    init?(reading section: ConfigurationSection) {
        let w = section.parse("w") { text throws(ConfigurationComplaint) in try Self.acknowledgement(text) }
        let journal = section.boolean("journal")
        let isBounded: Bool
        let wtimeout: Duration?
        if section.entries == nil {
            return nil
        } else if section.has("w"), !section.has("wtimeout") {
            // A configuration that says how many members to wait for says how long as well.
            (isBounded, wtimeout) = (false, nil)
        } else if section.value("wtimeout")?.value.isNull == true || section.text("wtimeout") == "0" {
            (isBounded, wtimeout) = (false, nil)
        } else {
            let duration = section.parse("wtimeout") { text throws(ConfigurationComplaint) in
                let duration = try DurationText.parse(text)
                guard duration <= .seconds(24 * 3600) else { throw ConfigurationComplaint("allowed: 1ms to 24h") }
                return duration
            }
            guard let duration else { return nil }
            (isBounded, wtimeout) = duration == .zero ? (false, nil) : (true, duration)
        }
        guard let w, let journal else { return nil }
        if !isBounded, w != .nodes(1) {
            section.reading.report(
                section.mark(of: section.has("wtimeout") ? "wtimeout" : "w"), section.path(of: "wtimeout"),
                "w: \(w) without wtimeout would wait for ever while members are down", "write wtimeout as well, such as `wtimeout: 5s`")
            return nil
        }
        self.init(w: w, wtimeout: wtimeout, journal: journal)
    }

    private static func acknowledgement(_ text: String) throws(ConfigurationComplaint) -> Acknowledgement {
        if text == "majority" { return .majority }
        if let number = Int(text) {
            guard number != 0 else {
                throw ConfigurationComplaint("with 0 nobody learns whether a write was stored; write majority, or a number from 1 to 50")
            }
            guard (1...50).contains(number) else { throw ConfigurationComplaint("write majority, a number from 1 to 50, or a tag") }
            return .nodes(number)
        }
        guard NearestName.of(text, among: ["majority"]) == nil else { throw ConfigurationComplaint("did you mean `majority`?") }
        guard !text.isEmpty else { throw ConfigurationComplaint("write majority, a number from 1 to 50, or a tag") }
        return .tag(text)
    }
}

extension MongoDBSettings.WriteConcern.Acknowledgement: CustomStringConvertible {
    /// As it is written in the configuration.
    package var description: String {
        switch self {
        case .majority: "majority"
        case .nodes(let count): "\(count)"
        case .tag(let name): name
        }
    }
}
