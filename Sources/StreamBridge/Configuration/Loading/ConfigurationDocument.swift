import Yams

/// Parses YAML and turns it into ``ConfigurationValue``s, with the place of each. The only file that knows the YAML
/// library.
///
/// Scalars follow the core schema of YAML 1.2: only `true` and `false` are booleans, so `off` and `no` are plain words.
struct ConfigurationDocument {
    /// Anchors may repeat parts of a file; this bounds what a small file can become.
    private static let maximumNodes = 100_000

    private let reading: ConfigurationReading
    private let interpolation: Interpolation
    /// Where the file of a `${file:PATH}` is.
    private let locate: (String) -> String
    private var nodes = 0
    /// First occurrences of keys that are written twice, by place, with their real names.
    private var renamed: [ConfigurationMark: String] = [:]

    init(reading: ConfigurationReading, interpolation: Interpolation, locate: @escaping (String) -> String) {
        self.reading = reading
        self.locate = locate
        self.interpolation = interpolation
    }

    /// The document's root, or nil when the text is no YAML or has no content; that is reported.
    mutating func root(of yaml: String) -> ConfigurationValue? {
        let mark = ConfigurationMark(line: 1, column: 1)
        let text = yaml.first == "\u{FEFF}" ? String(yaml.dropFirst()) : yaml
        do {
            guard let node = try compose(text), !(node.scalar?.string.isEmpty ?? false) else {
                reading.report(
                    mark, .root, "the file is empty",
                    "a bridge needs at least `name`, `mongodb.uri`, `kafka.bootstrap.servers` and one stream or dispatcher; "
                        + "deploy/bridge.example.yaml shows every key"
                )
                return nil
            }
            return convert(node, path: .root)
        } catch let fault as YAMLFault {
            reading.report(fault.mark, .root, fault.found, fault.remedy)
        } catch {
            reading.report(mark, .root, "this is not YAML", "")
        }
        return nil
    }

    // MARK: Parsing

    /// Parses, and survives keys that are written twice: the library stops at the first pair, so each time one is
    /// found, the earlier of the two gets another name of the same width and the text is parsed again. No other place
    /// in the text moves.
    private mutating func compose(_ text: String) throws -> Node? {
        var scalars = Array(text.unicodeScalars)
        while true {
            let attempt = String(String.UnicodeScalarView(scalars))
            do {
                return try Yams.Parser(yaml: attempt, resolver: .basic, encoding: .utf8).singleRoot()
            } catch YamlError.duplicatedKeysInMapping(let names, let context) {
                let mark = ConfigurationMark(line: context.mark.line, column: context.mark.column)
                guard let name = names.first, renamed.count < 500, renamed[mark] == nil,
                    let index = Self.index(of: mark, in: scalars), let stand = Unicode.Scalar(0xE000 + renamed.count)
                else {
                    throw YAMLFault(mark, "a key is written twice: \(names.joined(separator: ", ").quoted)", "keep one of them")
                }
                let isQuoted = scalars[index] == "\"" || scalars[index] == "'"
                guard index + 1 < scalars.count, !isQuoted || scalars[index + 1] != scalars[index] else {
                    throw YAMLFault(mark, "a key is written twice", "keep one of them")
                }
                scalars[isQuoted ? index + 1 : index] = stand
                renamed[mark] = name
            } catch let error as YamlError {
                throw YAMLFault(error, in: text)
            }
        }
    }

    /// Where a place is in the text, by the line breaks that YAML 1.1 knows.
    private static func index(of mark: ConfigurationMark, in scalars: [Unicode.Scalar]) -> Int? {
        var line = 1
        var column = 1
        for (index, scalar) in scalars.enumerated() {
            if line == mark.line, column == mark.column { return index }
            let isBreak =
                switch scalar {
                case "\r": index + 1 >= scalars.count || scalars[index + 1] != "\n"
                case "\n", "\u{85}", "\u{2028}", "\u{2029}": true
                default: false
                }
            (line, column) = isBreak ? (line + 1, 1) : (line, column + 1)
        }
        return nil
    }

    // MARK: Conversion

    private mutating func convert(_ node: Node, path: ConfigurationPath) -> ConfigurationValue {
        let mark = Self.mark(of: node)
        nodes += 1
        guard nodes <= Self.maximumNodes else {
            if nodes == Self.maximumNodes + 1 {
                reading.report(mark, path, "the file has more than \(Self.maximumNodes) values", "repeat less through aliases")
            }
            return ConfigurationValue(content: .broken, mark: mark)
        }
        let content: ConfigurationValue.Content =
            switch node {
            case .scalar(let scalar): convert(scalar, mark: mark, path: path)
            case .sequence(let sequence):
                .list(sequence.enumerated().map { convert($0.element, path: path.appending(index: $0.offset)) })
            case .mapping(let mapping): .mapping(convert(mapping, path: path))
            case .alias: .broken
            }
        return ConfigurationValue(content: content, mark: mark)
    }

    private func convert(_ scalar: Node.Scalar, mark: ConfigurationMark, path: ConfigurationPath) -> ConfigurationValue.Content {
        let tag = scalar.tag.rawValue.replacing("tag:yaml.org,2002:", with: "")
        guard ["", "!", "str", "int", "float", "bool", "null", "timestamp"].contains(tag) else {
            // It may be a secret: `!` begins a tag.
            reading.report(mark, path, "found a tag", "put a text that begins with ! in quotes; tags have no meaning here")
            return .broken
        }
        var isBroken = false
        let (text, isInterpolated) = interpolation.replaced(
            scalar.string,
            complain: { complaint in
                isBroken = true
                reading.report(mark, path, complaint.found ?? "found a `${…}`", complaint.remedy)
            },
            usesFile: { reading.warn(ofSecretIn: locate($0), mark, path) })
        if isBroken { return .broken }
        let isText = scalar.style != .plain || tag == "str" || tag == "!"
        return .scalar(ConfigurationScalar(text: text, written: scalar.string, isText: isText, isInterpolated: isInterpolated))
    }

    private mutating func convert(_ mapping: Node.Mapping, path: ConfigurationPath) -> [ConfigurationValue.Entry] {
        var entries: [ConfigurationValue.Entry] = []
        var firstLines: [String: Int] = [:]
        for (keyNode, valueNode) in mapping {
            let mark = Self.mark(of: keyNode)
            guard let written = keyNode.scalar?.string else {
                reading.report(mark, path, "found a key that is a list or a mapping", "a key is one word")
                continue
            }
            let key = renamed[mark] ?? written
            if mapping.style == .flow, valueNode.scalar.map({ $0.string.isEmpty && $0.style == .plain }) ?? false {
                // `{uri: mongodb://u:a,b@h}`: what follows the comma may be a part of a password.
                reading.report(
                    mark, path, "found a word without a value between braces", "put a text with , in quotes, and write null for no value")
                continue
            }
            let keyPath = path.appending(key: key)
            if let first = firstLines[key] {
                reading.report(mark, keyPath, "the key \(key.quoted) is written twice, first in line \(first)", "keep one of them")
            } else {
                firstLines[key] = mark.line
            }
            if key == "<<", keyNode.scalar?.style == .plain {
                reading.report(
                    mark, keyPath, "found a merge key", "write the keys out, or give whole values an &anchor and repeat them with *anchor")
                continue
            }
            let entry = ConfigurationValue.Entry(key: key, keyMark: mark, value: convert(valueNode, path: keyPath))
            if let index = entries.firstIndex(where: { $0.key == key }) { entries[index] = entry } else { entries.append(entry) }
        }
        return entries
    }

    private static func mark(of node: Node) -> ConfigurationMark {
        ConfigurationMark(line: node.mark?.line ?? 0, column: node.mark?.column ?? 0)
    }
}
