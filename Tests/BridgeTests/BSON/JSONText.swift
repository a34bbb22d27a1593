/// A strict reader of JSON (RFC 8259), the tests' own: it tells whether a text is JSON at all, and keeps the order of
/// members, members of the same name, and the exact text of numbers.
indirect enum JSONText: Equatable {
    struct Member: Equatable {
        let key: String
        let value: JSONText

        init(_ key: String, _ value: JSONText) {
            self.key = key
            self.value = value
        }
    }

    case object([Member])
    case array([JSONText])
    case string(String)
    case number(String)
    case boolean(Bool)
    case null

    struct Invalid: Error {
        let offset: Int
    }

    static func parse(_ text: String) throws -> JSONText {
        try parse(Array(text.utf8))
    }

    static func parse(_ bytes: [UInt8]) throws -> JSONText {
        var reader = JSONReader(bytes: bytes)
        let value = try reader.value()
        guard reader.position == bytes.count else { throw Invalid(offset: reader.position) }
        return value
    }
}

private struct JSONReader {
    let bytes: [UInt8]
    var position = 0

    private var next: UInt8 { position < bytes.count ? bytes[position] : 0 }

    private func fail() -> JSONText.Invalid { JSONText.Invalid(offset: position) }

    private mutating func take(_ character: UInt8) throws {
        guard next == character else { throw fail() }
        position += 1
    }

    /// A colon or a comma, behind which MongoDB's Java driver writes a blank.
    private mutating func takeSeparator(_ character: UInt8) throws {
        try take(character)
        if next == UInt8(ascii: " ") { position += 1 }
    }

    private mutating func take(_ word: StaticString) throws {
        for character in UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount) { try take(character) }
    }

    mutating func value() throws -> JSONText {
        switch next {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"):
            try take("true")
            return .boolean(true)
        case UInt8(ascii: "f"):
            try take("false")
            return .boolean(false)
        case UInt8(ascii: "n"):
            try take("null")
            return .null
        default: return .number(try number())
        }
    }

    private mutating func object() throws -> JSONText {
        var members: [JSONText.Member] = []
        try take(UInt8(ascii: "{"))
        while next != UInt8(ascii: "}") {
            if !members.isEmpty { try takeSeparator(UInt8(ascii: ",")) }
            let key = try string()
            try takeSeparator(UInt8(ascii: ":"))
            members.append(JSONText.Member(key, try value()))
        }
        position += 1
        return .object(members)
    }

    private mutating func array() throws -> JSONText {
        var values: [JSONText] = []
        try take(UInt8(ascii: "["))
        while next != UInt8(ascii: "]") {
            if !values.isEmpty { try takeSeparator(UInt8(ascii: ",")) }
            values.append(try value())
        }
        position += 1
        return .array(values)
    }

    private mutating func string() throws -> String {
        var text: [UInt8] = []
        try take(UInt8(ascii: "\""))
        while next != UInt8(ascii: "\"") {
            guard next >= 0x20 else { throw fail() }
            if next == UInt8(ascii: "\\") {
                position += 1
                text += try escape()
            } else {
                text.append(next)
                position += 1
            }
        }
        position += 1
        guard let valid = String(validating: text, as: UTF8.self) else { throw fail() }
        return valid
    }

    private mutating func escape() throws -> [UInt8] {
        defer { position += 1 }
        switch next {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [next]
        case UInt8(ascii: "b"): return [8]
        case UInt8(ascii: "t"): return [9]
        case UInt8(ascii: "n"): return [10]
        case UInt8(ascii: "f"): return [12]
        case UInt8(ascii: "r"): return [13]
        case UInt8(ascii: "u"):
            var units = [try unit()]
            if UTF16.isLeadSurrogate(units[0]) {
                position += 1
                try take(UInt8(ascii: "\\"))
                guard next == UInt8(ascii: "u") else { throw fail() }
                units.append(try unit())
            }
            guard let character = String(validating: units, as: UTF16.self) else { throw fail() }
            return Array(character.utf8)
        default: throw fail()
        }
    }

    /// The four digits behind a `u`, up to the last of them.
    private mutating func unit() throws -> UInt16 {
        guard position + 4 < bytes.count, let digits = String(validating: bytes[position + 1...position + 4], as: UTF8.self),
            let unit = UInt16(digits, radix: 16)
        else { throw fail() }
        position += 4
        return unit
    }

    private mutating func number() throws -> String {
        let start = position
        if next == UInt8(ascii: "-") { position += 1 }
        if next == UInt8(ascii: "0") { position += 1 } else { try digits() }
        if next == UInt8(ascii: ".") {
            position += 1
            try digits()
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            position += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
            try digits()
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func digits() throws {
        guard (0x30...0x39).contains(next) else { throw fail() }
        while (0x30...0x39).contains(next) { position += 1 }
    }
}
