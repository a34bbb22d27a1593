import Testing

@testable import Mongo
@testable import Runtime
@testable import StreamBridge

/// Random commands of random dispatchers, beside libbson's reading of the same text.
@Suite struct RandomCommandTests {
    @Test func decodesWhatLibbsonReads() throws {
        var random = RandomCommand(seed: 21)
        for _ in 0..<300 {
            let settings = random.settings()
            let decoder = CommandDecoder(settings)
            for _ in 0..<20 {
                let record = random.record(of: settings)
                let decoded = try decoder.decode(record)
                let expected = try BSONDocument(extendedJSON: record)
                #expect(decoded.command.id == expected["id"]?.stringValue ?? "default")
                #expect(decoded.resource == expected[settings.resource.field].map { Resource($0) })
                let body = BSONDocument(
                    fields: settings.fields.compactMap { field in
                        expected[field.name].flatMap { value in value.isNull ? nil : (field.name, Self.stored(value, as: field.type)) }
                    })
                if decoded.body != body { Issue.record("\(record): \(String(describing: decoded.body))") }
            }
        }
    }

    /// libbson takes a whole number for an integer and knows no date.
    private static func stored(_ value: BSONValue, as type: CommandFieldType) -> BSONValue {
        switch type {
        case .number: value.doubleValue.map { .double($0) } ?? value
        case .date:
            value.stringValue.flatMap { text in
                let bytes = Array(text.utf8)
                return JSONDate.read(bytes.indices, of: bytes.span.bytes).map { .date(milliseconds: $0) }
            } ?? value
        default: value
        }
    }
}

/// Valid commands, written in all the ways that JSON allows.
private struct RandomCommand {
    var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func settings() -> DispatcherSettings {
        let types: [CommandFieldType] = [
            .string, .int(minimum: nil, maximum: nil), .number(minimum: nil, maximum: nil), .boolean, .date,
        ]
        let fields = (0..<generator.below(9)).map { index in
            CommandField(
                name: "\(generator.pick(["f", "field", "größe", "a.long name of a field ", "🚚", "quote\""]))\(index)",
                type: generator.pick(types), isRequired: generator.below(2) == 0)
        }
        return .sample(fields: fields)
    }

    mutating func record(of settings: DispatcherSettings) -> String {
        var members = [(settings.resource.field, generator.below(2) == 0 ? integer() : string(text()))]
        if generator.below(2) == 0 { members.append(("id", string("c\(text())"))) }
        if generator.below(2) == 0 { members.append(("expiresAt", generator.pick(["null", "\"2026-01-31T00:00:00Z\""]))) }
        for field in settings.fields where field.isRequired || generator.below(3) > 0 {
            members.append((field.name, field.isRequired || generator.below(4) > 0 ? value(of: field.type) : "null"))
        }
        members.shuffle(using: &generator)
        let text = members.map { "\(space())\(string($0.0))\(space()):\(space())\($0.1)\(space())" }.joined(separator: ",")
        return "\(space()){\(text)}\(space())"
    }

    private mutating func value(of type: CommandFieldType) -> String {
        switch type {
        case .string: string(text())
        case .int: integer()
        case .number: number()
        case .boolean: generator.pick(["true", "false"])
        case .date: string("2026-0\(1 + generator.below(9))-2\(generator.below(9))T1\(generator.below(10)):30:00.\(generator.below(1000))Z")
        }
    }

    private mutating func integer() -> String { "\(Int64(bitPattern: generator.next()) >> Int64(generator.below(64)))" }

    private mutating func number() -> String {
        // Of numbers with more digits a double would lose some.
        switch generator.below(4) {
        case 0: return "\(Int64(bitPattern: generator.next()) >> Int64(11 + generator.below(53)))"
        case 1: return "\(generator.below(1_000_000) - 500_000).\(generator.below(1_000_000_000))"
        case 2: return "\(Double(generator.below(1_000_000)) / 1000)"
        default: return "\(generator.below(10)).\(generator.next() >> 18)\(generator.pick(["e", "E"]))\(generator.below(600) - 300)"
        }
    }

    private mutating func text() -> String {
        let pieces = ["a", "plain text", "é", "☆", "🚚", "\"", "\\", "\n", "\u{1F}", "/", "\u{7F}", "\u{2028}", "\u{FFFF}"]
        return (0..<generator.below(8)).map { _ in generator.pick(pieces) }.joined()
    }

    /// The text in quotes, some of its characters as escapes.
    private mutating func string(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            let mustEscape = scalar == "\"" || scalar == "\\" || scalar.value < 0x20
            guard mustEscape || generator.below(6) == 0 else {
                quoted.unicodeScalars.append(scalar)
                continue
            }
            if scalar == "/" || scalar == "\"" || scalar == "\\" {
                quoted += "\\\(scalar)"
                continue
            }
            for unit in String(scalar).utf16 {
                let digits = String(unit, radix: 16, uppercase: generator.below(2) == 0)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return quoted + "\""
    }

    private mutating func space() -> String { generator.pick(["", "", "", " ", "\n", "\t", "\r\n  "]) }
}
