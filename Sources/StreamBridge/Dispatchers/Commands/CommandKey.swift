import Mongo

/// A key that a command may have.
struct CommandKey: Sendable {
    enum Content: Sendable {
        /// The id of this command or of another one.
        case identifier
        case resource
        case field(CommandFieldType)
    }

    let name: String
    let content: Content
    /// Whether it may be left out, which `null` does, too.
    let isOptional: Bool

    /// The value, or nil if it is not what the key takes.
    func value(of token: JSONToken, in bytes: RawSpan) -> CommandValue? {
        switch (content, token) {
        case (_, .null): isOptional ? .null : nil
        case (.identifier, .text(let text)): text.utf8Count > 0 && text.isShort ? .text(text) : nil
        case (.resource, .text(let text)): text.isShort ? .text(text) : nil
        case (.resource, .number(let number)): number.whole(of: bytes).map { .integer($0) } ?? number.double(of: bytes).map { .double($0) }
        case (.resource, .boolean(let value)): .boolean(value)
        case (.resource, .object(let range)): Resource(extendedJSON: bytes.extracting(range)).map { .resource($0) }
        case (.identifier, _), (.resource, _): nil
        case (.field(let type), _): type.value(of: token, in: bytes)
        }
    }

    /// What is wrong with a value that the key does not take.
    func complaint(about token: JSONToken, in bytes: RawSpan) -> String {
        "\(name): found \(token.shown(in: bytes)), expected \(expectation(of: token, in: bytes))"
    }

    private func expectation(of token: JSONToken, in bytes: RawSpan) -> String {
        switch (content, token) {
        case (.identifier, .text(let text)) where !text.isUnicode, (.resource, .text(let text)) where !text.isUnicode,
            (.field(.string), .text(let text)) where !text.isUnicode:
            "text without half of a surrogate pair"
        case (.field(.int), .number(let number)) where number.isTooLarge: "a whole number that fits 64 bits"
        case (.resource, .number(let number)) where number.double(of: bytes) == nil,
            (.field(.number), .number(let number)) where number.double(of: bytes) == nil:
            "a number that a double holds with all its digits"
        case (.identifier, _): "text of 1 to \(JSONString.shortLimit) bytes"
        case (.resource, _):
            "text of at most \(JSONString.shortLimit) bytes, a number, true or false, or Extended JSON of an ObjectId, a UUID, "
                + "a binary, a date or a decimal"
        case (.field(let type), _): type.expectation
        }
    }
}

extension JSONString {
    /// How many bytes of UTF-8 an id or a resource may have.
    fileprivate static let shortLimit = 512

    fileprivate var isShort: Bool { isUnicode && utf8Count <= Self.shortLimit }
}

extension JSONNumber {
    fileprivate var isTooLarge: Bool { isInteger && integer == nil }
}
