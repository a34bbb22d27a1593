/// A mapping of the file, read key by key.
///
/// Every method gives nil when there is no value to use. Then the reason was reported already, except where the key
/// may be absent; ``has(_:)`` tells that apart.
struct ConfigurationSection {
    /// A value with its key path.
    struct Located {
        var value: ConfigurationValue
        var path: ConfigurationPath
    }

    /// In the order of the file; nil when the whole section was reported as broken.
    let entries: [ConfigurationValue.Entry]?
    let mark: ConfigurationMark
    let path: ConfigurationPath
    /// The section's path in the list of keys.
    let schema: String
    let reading: ConfigurationReading

    init(_ value: ConfigurationValue, path: ConfigurationPath, schema: String, reading: ConfigurationReading) {
        if case .mapping(let entries) = value.content { self.entries = entries } else { self.entries = nil }
        self.mark = value.mark
        self.path = path
        self.schema = schema
        self.reading = reading
    }

    /// Whether the file has the key, in whatever state.
    func has(_ name: String) -> Bool { entries?.contains { $0.key == name } ?? false }

    /// The place to name in a fault about a key: its value, or the section when the key is not written.
    func mark(of name: String) -> ConfigurationMark { entries?.first { $0.key == name }?.value.mark ?? mark }

    func path(of name: String) -> ConfigurationPath { path.appending(key: name) }

    /// The scalar that the file has for a key, if it has one; reports nothing. For comparing values of several
    /// sections.
    func written(_ name: String) -> ConfigurationScalar? {
        guard case .scalar(let scalar) = entries?.first(where: { $0.key == name })?.value.content, !scalar.isNull else { return nil }
        return scalar
    }

    /// The key's value, or its default. Reports a missing required key.
    func value(_ name: String) -> Located? {
        guard let entries else { return nil }
        let path = path.appending(key: name)
        if let entry = entries.first(where: { $0.key == name }) {
            return entry.value.isBroken ? nil : Located(value: entry.value, path: path)
        }
        guard let key = ConfigurationKey.child(of: schema, named: name) else { return nil }
        let content: ConfigurationValue.Content
        switch key.default {
        case .required:
            reading.report(mark, path, "missing", "this key is required: \(key.type)")
            return nil
        case .absent: return nil
        case .scalar(let text): content = .scalar(ConfigurationScalar(plain: text))
        case .text(let text): content = .scalar(ConfigurationScalar(text: text, written: text, isText: true, isInterpolated: false))
        case .emptyList: content = .list([])
        case .emptyMapping: content = .mapping([])
        }
        return Located(value: ConfigurationValue(content: content, mark: mark), path: path)
    }

    /// The scalar of a key. Reports one that is empty (`name:`).
    func scalar(_ name: String) -> (scalar: ConfigurationScalar, located: Located)? {
        guard let located = value(name), case .scalar(let scalar) = located.value.content else { return nil }
        guard !scalar.isNull else {
            report(located, "found nothing", "write a value, or remove the key\(shownDefault(of: name))")
            return nil
        }
        return (scalar, located)
    }

    /// A value that is one text, through the function that reads it.
    func parse<Value>(_ name: String, _ read: (String) throws(ConfigurationComplaint) -> Value) -> Value? {
        guard let (scalar, located) = scalar(name) else { return nil }
        return parse(scalar, located, read)
    }

    func parse<Value>(
        _ scalar: ConfigurationScalar, _ located: Located, _ read: (String) throws(ConfigurationComplaint) -> Value
    ) -> Value? {
        do throws(ConfigurationComplaint) {
            return try read(scalar.text)
        } catch {
            // A complaint may quote the value, which has to stay hidden when it was interpolated.
            if scalar.isInterpolated {
                let key = ConfigurationKey.child(of: schema, named: located.path.lastKey)
                report(located, "what \(scalar.shown) stands for cannot be used", "allowed: \(key?.type ?? "another value")")
            } else {
                report(located, error.found ?? "found \(scalar.shown)", error.remedy)
            }
            return nil
        }
    }

    func text(_ name: String) -> String? { scalar(name)?.scalar.text }

    func boolean(_ name: String) -> Bool? {
        guard let (scalar, located) = scalar(name) else { return nil }
        switch scalar.text {
        case "true", "True", "TRUE": if isPlain(scalar, located) { return true } else { return nil }
        case "false", "False", "FALSE": if isPlain(scalar, located) { return false } else { return nil }
        default:
            report(located, "found \(scalar.shown)", "write true or false")
            return nil
        }
    }

    ///
    /// - Parameter other: a number outside the range that is taken, too.
    func integer(_ name: String, in range: ClosedRange<Int>, or other: Int? = nil) -> Int? {
        guard let (scalar, located) = scalar(name) else { return nil }
        let allowed = "\(range.lowerBound) to \(range.upperBound)\(other.map { ", or \($0)" } ?? "")"
        guard let number = Int(scalar.text) else {
            report(located, "found \(scalar.shown)", "write a whole number from \(allowed)")
            return nil
        }
        guard isPlain(scalar, located) else { return nil }
        guard range.contains(number) || number == other else {
            report(located, "found \(scalar.shown)", "allowed: \(allowed)")
            return nil
        }
        return number
    }

    /// A finite number, whole or not.
    func number(_ name: String) -> Double? {
        guard let (scalar, located) = scalar(name) else { return nil }
        // `Double` alone would also take `nan`, `infinity` and hexadecimal digits.
        guard scalar.text.wholeMatch(of: #/[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?/#) != nil, let number = Double(scalar.text),
            number.isFinite
        else {
            report(located, "found \(scalar.shown)", "write a finite number, such as 5 or 0.5")
            return nil
        }
        return isPlain(scalar, located) ? number : nil
    }

    /// A duration of at least a millisecond and at most a day.
    func timeout(_ name: String) -> Duration? {
        parse(name) { text throws(ConfigurationComplaint) in try Self.timeout(text) }
    }

    static func timeout(_ text: String) throws(ConfigurationComplaint) -> Duration {
        let duration = try DurationText.parse(text)
        guard duration >= .milliseconds(1), duration <= .seconds(24 * 3600) else {
            throw ConfigurationComplaint("allowed: 1ms to 24h")
        }
        return duration
    }

    /// One word of a fixed list.
    func choice<Choice: CaseIterable & RawRepresentable<String>>(_ name: String, _ type: Choice.Type) -> Choice? {
        parse(name) { text throws(ConfigurationComplaint) in
            if let choice = Choice(rawValue: text) { return choice }
            throw ConfigurationComplaint(Self.remedy(word: text, among: Choice.allCases.map(\.rawValue)))
        }
    }

    /// The sentence for a word that is none of those allowed.
    static func remedy(word: String, among words: [String]) -> String {
        let list = "allowed: \(words.joined(separator: ", "))"
        return NearestName.of(word, among: words).map { "did you mean `\($0)`? \(list)" } ?? list
    }

    /// The section below a key; an empty one when it is not written, so that what is missing in it is reported.
    func section(_ name: String) -> ConfigurationSection {
        let value = entries?.first { $0.key == name }?.value
        let content: ConfigurationValue.Content = entries == nil ? .broken : .mapping([])
        return ConfigurationSection(
            value ?? ConfigurationValue(content: content, mark: mark), path: path.appending(key: name),
            schema: ConfigurationKey.child(of: schema, named: name)?.path ?? name, reading: reading)
    }

    /// The sections of a list.
    func sections(_ name: String) -> [ConfigurationSection] {
        guard let value = entries?.first(where: { $0.key == name })?.value, case .list(let items) = value.content else { return [] }
        let path = path.appending(key: name)
        return items.enumerated().map { index, item in
            ConfigurationSection(
                item, path: path.appending(index: index), schema: schema.isEmpty ? "\(name)[]" : "\(schema).\(name)[]", reading: reading)
        }
    }

    func report(_ located: Located, _ found: String, _ remedy: String) {
        reading.report(located.value.mark, located.path, found, remedy)
    }

    /// Whether a number or a boolean stands there without quotes. What `${…}` brings in has no quotes of its own.
    private func isPlain(_ scalar: ConfigurationScalar, _ located: Located) -> Bool {
        guard scalar.isText, !scalar.isInterpolated else { return true }
        report(located, "found the text \"\(scalar.text)\"", "write it without quotes")
        return false
    }

    private func shownDefault(of name: String) -> String {
        guard let key = ConfigurationKey.child(of: schema, named: name), key.default != .required, key.default != .absent else { return "" }
        return " to have its default, \(key.shownDefault)"
    }
}
