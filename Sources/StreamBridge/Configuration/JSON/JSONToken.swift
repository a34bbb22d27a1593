import Mongo

/// A value in a JSON text: where it is, and what it is.
enum JSONToken {
    case text(JSONString)
    case number(JSONNumber)
    case boolean(Bool)
    case null
    /// Where it is, braces included.
    case object(Range<Int>)
    case list

    /// What a message says was found: the value as it is written, on one line of at most 60 characters.
    func shown(in bytes: RawSpan) -> String {
        switch self {
        case .text(let text): "\"\(text.text(of: bytes).shortened)\""
        case .number(let number): number.text(of: bytes).shortened
        case .boolean(let value): value ? "true" : "false"
        case .null: "null"
        case .object: "an object"
        case .list: "a list"
        }
    }
}
