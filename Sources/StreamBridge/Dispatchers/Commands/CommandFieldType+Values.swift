import Mongo
import Runtime

extension CommandFieldType {
    /// The value, or nil if it is not of this type or not within the bounds.
    func value(of token: JSONToken, in bytes: RawSpan) -> CommandValue? {
        switch (self, token) {
        case (.string, .text(let text)): text.isUnicode ? .text(text) : nil
        case (.int(let minimum, let maximum), .number(let number)):
            if let value = number.whole(of: bytes), value >= minimum ?? .min, value <= maximum ?? .max { .integer(value) } else { nil }
        case (.number(let minimum, let maximum), .number(let number)):
            if let value = number.double(of: bytes), value >= minimum ?? -.infinity, value <= maximum ?? .infinity {
                .double(value)
            } else {
                nil
            }
        case (.boolean, .boolean(let value)): .boolean(value)
        case (.date, .text(let text)): Self.milliseconds(of: text, in: bytes).map { .date($0) }
        default: nil
        }
    }

    /// What a message says is expected.
    var expectation: String {
        switch self {
        case .string: "text"
        case .int(let minimum, let maximum): "a whole number\(Self.bounds(minimum.map { "\($0)" }, maximum.map { "\($0)" }))"
        case .number(let minimum, let maximum): "a number\(Self.bounds(minimum.map(Self.shown), maximum.map(Self.shown)))"
        case .boolean: "true or false"
        case .date: "a time with its zone, such as 2026-01-31T00:00:00Z"
        }
    }

    private static func milliseconds(of text: JSONString, in bytes: RawSpan) -> Int64? {
        guard text.hasEscapes else { return JSONDate.read(text.range, of: bytes) }
        let plain = Array(text.text(of: bytes).utf8)
        return JSONDate.read(plain.indices, of: plain.span.bytes)
    }

    private static func bounds(_ minimum: String?, _ maximum: String?) -> String {
        switch (minimum, maximum) {
        case (let minimum?, let maximum?): " from \(minimum) to \(maximum)"
        case (let minimum?, nil): " of at least \(minimum)"
        case (nil, let maximum?): " of at most \(maximum)"
        case (nil, nil): ""
        }
    }

    /// `1`, not `1.0`.
    private static func shown(_ number: Double) -> String { Int64(exactly: number).map { "\($0)" } ?? "\(number)" }
}
