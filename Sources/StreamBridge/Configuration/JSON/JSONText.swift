/// A scanner of JSON that only checks: the text itself is what goes to the server, because the order of keys matters
/// and numbers may not change.
struct JSONText {
    /// Why a text is no JSON, and where.
    struct Fault: Error, Equatable {
        /// In the text, counted in bytes from 0.
        var offset: Int
        var problem: String
    }

    /// A value of the first two levels.
    enum Outline: Equatable {
        case object(keys: [String])
        case array([Outline])
        case other
    }

    private static let maximumDepth = 100

    private let bytes: [UInt8]
    private var position = 0

    /// What the text is on its first two levels.
    static func outline(of text: String) throws(Fault) -> Outline {
        var scanner = JSONText(bytes: Array(text.utf8))
        scanner.skipSpace()
        let outline = try scanner.value(depth: 0)
        scanner.skipSpace()
        guard scanner.position == scanner.bytes.count else { throw scanner.fault("more text after the end of the JSON") }
        return outline
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func fault(_ problem: String) -> Fault { Fault(offset: position, problem: problem) }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    private mutating func value(depth: Int) throws(Fault) -> Outline {
        guard depth < Self.maximumDepth else { throw fault("nested more than \(Self.maximumDepth) levels deep") }
        switch next {
        case UInt8(ascii: "{"): return .object(keys: try object(depth: depth))
        case UInt8(ascii: "["): return .array(try array(depth: depth))
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "-"), .some(UInt8(ascii: "0")...UInt8(ascii: "9")): try number()
        case UInt8(ascii: "t"): try word("true")
        case UInt8(ascii: "f"): try word("false")
        case UInt8(ascii: "n"): try word("null")
        case UInt8(ascii: "'"): throw fault("a single quote; JSON has double quotes")
        case nil: throw fault("the end of the text where a value should be")
        default: throw fault("no JSON value begins like this")
        }
        return .other
    }

    private mutating func object(depth: Int) throws(Fault) -> [String] {
        position += 1
        var keys: [String] = []
        skipSpace()
        if take(UInt8(ascii: "}")) { return keys }
        repeat {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw fault("a key in double quotes should be here") }
            keys.append(try string())
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw fault("a `:` should be here") }
            skipSpace()
            _ = try value(depth: depth + 1)
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw fault("a `,` or `}` should be here") }
        return keys
    }

    private mutating func array(depth: Int) throws(Fault) -> [Outline] {
        position += 1
        var items: [Outline] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return items }
        repeat {
            skipSpace()
            items.append(try value(depth: depth + 1))
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw fault("a `,` or `]` should be here") }
        return items
    }

    /// The string's text as written between the quotes, escapes not replaced.
    private mutating func string() throws(Fault) -> String {
        position += 1
        let start = position
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                defer { position += 1 }
                return String(decoding: bytes[start..<position], as: UTF8.self)
            case UInt8(ascii: "\\"): try escape()
            case 0..<0x20: throw fault("a control character in a string; write it as an escape")
            default: position += 1
            }
        }
        throw Fault(offset: start - 1, problem: "a string that is never closed")
    }

    private mutating func escape() throws(Fault) {
        position += 1
        switch next {
        case .some(let byte) where "\"\\/bfnrt".utf8.contains(byte): position += 1
        case UInt8(ascii: "u"):
            position += 1
            for _ in 0..<4 {
                guard let digit = next, Character(Unicode.Scalar(digit)).isHexDigit else {
                    throw fault("a hexadecimal digit should be here")
                }
                position += 1
            }
        default: throw fault("JSON has no such escape")
        }
    }

    private mutating func number() throws(Fault) {
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        if take(UInt8(ascii: ".")) { try digits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
    }

    private mutating func digits() throws(Fault) {
        guard next?.isASCIIDigit == true else { throw fault("a digit should be here") }
        while next?.isASCIIDigit == true { position += 1 }
    }

    private mutating func word(_ word: String) throws(Fault) {
        guard bytes[position...].starts(with: word.utf8) else { throw fault("no JSON value begins like this") }
        position += word.utf8.count
    }
}

extension String {
    /// The text as a JSON string with its quotes. What YAML does not allow unescaped is escaped as well, so it is also
    /// a double-quoted YAML scalar.
    var jsonQuoted: String {
        var text = "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            // YAML has no escape of two halves for what lies beyond.
            case "\u{FFFE}", "\u{FFFF}": text += scalar.jsonEscape
            case _ where scalar.isUnprintable && scalar.value <= 0xFFFF: text += scalar.jsonEscape
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
