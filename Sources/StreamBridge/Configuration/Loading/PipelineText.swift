import Mongo

/// Aggregation pipelines, from YAML or from Extended JSON, as one Extended JSON array.
struct PipelineText {
    /// The stages that the server allows in a change stream.
    static let allowedStages = [
        "$match", "$project", "$addFields", "$set", "$unset", "$replaceRoot", "$replaceWith", "$redact", "$changeStreamSplitLargeEvent",
    ]

    private let section: ConfigurationSection
    private var hasFault = false

    /// The pipeline of a stream, or nil when it has faults, which are reported.
    static func read(_ name: String, in section: ConfigurationSection) -> String? {
        guard let located = section.value(name) else { return nil }
        var reader = PipelineText(section: section)
        switch located.value.content {
        case .scalar(let scalar):
            guard !scalar.isNull else { return "[]" }
            return section.parse(scalar, located) { text throws(ConfigurationComplaint) in try pipeline(json: text) }
        case .list(let stages):
            let texts = stages.enumerated().map { reader.stage($0.element, path: located.path.appending(index: $0.offset)) }
            return reader.hasFault ? nil : "[\(texts.joined(separator: ", "))]"
        case .mapping, .broken: return nil
        }
    }

    private init(section: ConfigurationSection) { self.section = section }

    // MARK: Queries

    /// A query as for `find`, as one Extended JSON document, or nil when it has faults, which are reported.
    static func query(_ name: String, in section: ConfigurationSection) -> String? {
        guard let located = section.value(name) else { return nil }
        var reader = PipelineText(section: section)
        switch located.value.content {
        case .scalar(let scalar):
            return section.parse(scalar, located) { text throws(ConfigurationComplaint) in try query(json: text) }
        case .mapping:
            let text = reader.json(located.value, path: located.path, depth: 0)
            return reader.hasFault ? nil : section.parse(ConfigurationScalar(plain: text), located, query(json:))
        case .list, .broken: return nil
        }
    }

    /// Checks a query. The text itself stays as it is.
    static func query(json text: String) throws(ConfigurationComplaint) -> String {
        do {
            _ = try BSONDocument(extendedJSON: text)
            return text
        } catch {
            throw ConfigurationComplaint("write a query such as {\"quantity\": {\"$gt\": 0}}, as Extended JSON", found: "\(error)")
        }
    }

    // MARK: On the command line

    /// Reads a stage or a list of stages, as Extended JSON or as YAML.
    static func argument(_ text: String) throws(ConfigurationComplaint) -> String {
        if (try? JSONOutline(of: text)) != nil { return try pipeline(json: text) }
        let stage = #"write a stage such as {"$match": {"operationType": "insert"}}, or a list of stages"#
        guard !text.allSatisfy(\.isWhitespace) else { throw ConfigurationComplaint(stage, found: "found nothing") }
        let reading = ConfigurationReading(source: "", checks: .none)
        let interpolation = Interpolation(environment: [:]) { _ in
            throw TextFile.Failure(description: "no files are read here")
        }
        var document = ConfigurationDocument(reading: reading, interpolation: interpolation, locate: { $0 })
        if let root = document.root(of: text) {
            var reader = PipelineText(section: ConfigurationSection(root, path: .root, schema: "", reading: reading))
            let stages: [ConfigurationValue]
            if case .list(let list) = root.content { stages = list } else { stages = [root] }
            let texts = stages.enumerated().map { reader.stage($0.element, path: ConfigurationPath.root.appending(index: $0.offset)) }
            if reading.faults.isEmpty { return "[\(texts.joined(separator: ", "))]" }
        }
        let fault = reading.faults.first
        throw ConfigurationComplaint(fault?.remedy ?? stage, found: fault?.found)
    }

    /// The stages of one pipeline and then those of another; both as ``read(_:in:)`` gives them.
    static func joined(_ first: String, _ second: String) -> String {
        func inner(_ text: String) -> Substring {
            let trimmed = text.drop { $0.isWhitespace }.dropFirst()
            return trimmed.lastIndex(of: "]").map { trimmed[..<$0] } ?? ""
        }
        let parts = [inner(first), inner(second)].filter { !$0.allSatisfy(\.isWhitespace) }
        return "[\(parts.joined(separator: ", "))]"
    }

    // MARK: Extended JSON

    /// Checks an array of stages, or wraps one stage. The text itself stays as it is.
    static func pipeline(json text: String) throws(ConfigurationComplaint) -> String {
        let outline: JSONOutline
        do throws(JSONScanner.Fault) {
            outline = try JSONOutline(of: text)
        } catch {
            let before = Array(text.utf8.prefix(error.offset))
            let line = before.count { $0 == 0x0A } + 1
            let column = before.reversed().prefix { $0 != 0x0A }.count + 1
            throw ConfigurationComplaint(
                "write a JSON array of stages, or a YAML list",
                found: "the text is not JSON: line \(line), character \(column) of it: \(error.problem)")
        }
        switch outline {
        case .list(let stages):
            for (index, stage) in stages.enumerated() {
                guard case .object(let keys) = stage else {
                    throw ConfigurationComplaint("a stage is an object such as {\"$match\": {...}}", found: "stage \(index) is no object")
                }
                if let remedy = fault(stageKeys: keys) {
                    throw ConfigurationComplaint(remedy, found: "stage \(index) is none of a change stream")
                }
            }
            return text
        case .object(let keys):
            if let remedy = fault(stageKeys: keys) { throw ConfigurationComplaint(remedy, found: "the stage is none of a change stream") }
            return "[\(text)]"
        case .other:
            throw ConfigurationComplaint("write a JSON array of stages, or a YAML list", found: "found JSON that is no array")
        }
    }

    /// What is wrong with the keys of a stage.
    private static func fault(stageKeys keys: [String]) -> String? {
        guard let key = keys.first else { return "write a stage such as {$match: {operationType: insert}}, or remove it" }
        guard keys.count == 1 else {
            return "a stage has exactly one key, this one has \(keys.count); begin each stage with `- `"
        }
        if allowedStages.contains(key) { return nil }
        if !key.hasPrefix("$"), allowedStages.contains("$\(key)") { return "write `$\(key)`" }
        return ConfigurationSection.remedy(word: key, among: allowedStages)
    }

    // MARK: YAML

    private mutating func stage(_ value: ConfigurationValue, path: ConfigurationPath) -> String {
        switch value.content {
        case .mapping(let entries):
            if let remedy = Self.fault(stageKeys: entries.map(\.key)) {
                let found =
                    switch entries.count {
                    case 0: "found an empty stage"
                    case 1: "found the stage \((entries.first?.key ?? "").quoted)"
                    default: "found a stage of \(entries.count) keys"
                    }
                report(entries.first?.keyMark ?? value.mark, path, found, remedy)
            }
            return json(value, path: path, depth: 0)
        case .broken:
            hasFault = true
        case .scalar, .list:
            report(value.mark, path, "found \(value.kind)", "a stage is a mapping such as `$match: {operationType: insert}`")
        }
        return ""
    }

    private mutating func report(_ mark: ConfigurationMark, _ path: ConfigurationPath, _ found: String, _ remedy: String) {
        hasFault = true
        section.reading.report(mark, path, found, remedy)
    }

    private mutating func json(_ value: ConfigurationValue, path: ConfigurationPath, depth: Int) -> String {
        guard depth < 100 else {
            if depth == 100 { report(value.mark, path, "nested more than 100 levels deep", "MongoDB allows 100 levels") }
            return "null"
        }
        switch value.content {
        case .broken:
            hasFault = true
            return "null"
        case .list(let items):
            let texts = items.enumerated().map { json($0.element, path: path.appending(index: $0.offset), depth: depth + 1) }
            return "[\(texts.joined(separator: ", "))]"
        case .mapping(let entries):
            let texts = entries.map { "\($0.key.jsonQuoted): \(json($0.value, path: path.appending(key: $0.key), depth: depth + 1))" }
            return "{\(texts.joined(separator: ", "))}"
        case .scalar(let scalar):
            if let text = Self.json(scalar) { return text }
            report(value.mark, path, "found \(scalar.shown)", "this does not fit 64 bits; write {$numberDecimal: \"...\"}")
            return "null"
        }
    }

    /// A scalar by the core schema of YAML 1.2; nil for a whole number beyond 64 bits.
    static func json(_ scalar: ConfigurationScalar) -> String? {
        let text = scalar.text
        // What `${…}` brings in is a text unless it stands there without quotes.
        if scalar.isText { return text.jsonQuoted }
        switch text {
        case "", "~", "null", "Null", "NULL": return scalar.isInterpolated && text.isEmpty ? "\"\"" : "null"
        case "true", "True", "TRUE": return "true"
        case "false", "False", "FALSE": return "false"
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return #"{"$numberDouble": "Infinity"}"#
        case "-.inf", "-.Inf", "-.INF": return #"{"$numberDouble": "-Infinity"}"#
        case ".nan", ".NaN", ".NAN": return #"{"$numberDouble": "NaN"}"#
        default: break
        }
        if text.wholeMatch(of: #/[-+]?[0-9]+/#) != nil { return Int64(text).map { "\($0)" } }
        if text.wholeMatch(of: #/0x[0-9a-fA-F]+/#) != nil { return Int64(text.dropFirst(2), radix: 16).map { "\($0)" } }
        if text.wholeMatch(of: #/0o[0-7]+/#) != nil { return Int64(text.dropFirst(2), radix: 8).map { "\($0)" } }
        if text.wholeMatch(of: #/[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?/#) != nil { return float(text) }
        return text.jsonQuoted
    }

    /// A floating-point number of YAML as JSON has it, with the digits as they are written.
    private static func float(_ text: String) -> String {
        let exponent = text.firstIndex { $0 == "e" || $0 == "E" } ?? text.endIndex
        var mantissa = text[..<exponent]
        let sign = mantissa.hasPrefix("-") ? "-" : ""
        if mantissa.hasPrefix("-") || mantissa.hasPrefix("+") { mantissa.removeFirst() }
        let parts = mantissa.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let whole = parts[0].drop { $0 == "0" }
        let fraction = parts.count > 1 && !parts[1].isEmpty ? String(parts[1]) : "0"
        return "\(sign)\(whole.isEmpty ? "0" : String(whole)).\(fraction)\(text[exponent...])"
    }
}
