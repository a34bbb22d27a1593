import Mongo
import Runtime

/// A walk over the bytes of one JSON text (RFC 8259, UTF-8), strict and in one pass.
///
/// A scanner holds a position only. The bytes are given to each call, and must be the same ones each time:
///
///     var scanner = JSONScanner()
///     try scanner.beginObject(in: bytes)
///     while let key = try scanner.nextKey(in: bytes) { let value = try scanner.value(in: bytes) … }
///     try scanner.end(in: bytes)
struct JSONScanner {
    /// Why the bytes are no JSON.
    struct Fault: Error, Equatable {
        let problem: String
        /// In bytes from 0.
        let offset: Int
    }

    /// How deep a value may be nested. Such a value is skipped by recursion, and hostile bytes must not exhaust the
    /// stack.
    static let maximumDepth = 100

    private var position = 0
    /// Whether the next key or item is the first one of its object or list.
    private var isFirst = false

    /// What the text begins with, white space left out; nil at its end.
    mutating func first(in bytes: RawSpan) throws(Fault) -> UInt8? {
        if bytes.byteCount >= 3, bytes.byte(at: 0) == 0xEF, bytes.byte(at: 1) == 0xBB, bytes.byte(at: 2) == 0xBF {
            throw fault("a byte order mark")
        }
        skipSpace(in: bytes)
        return next(in: bytes)
    }

    /// Goes into the object that is here.
    mutating func beginObject(in bytes: RawSpan) {
        position += 1
        isFirst = true
    }

    /// The name of the object's next member, whose value is here then; nil after the last one.
    @inline(__always)
    mutating func nextKey(in bytes: RawSpan) throws(Fault) -> JSONString? {
        guard try isFollowed(before: UInt8(ascii: "}"), in: bytes) else { return nil }
        guard next(in: bytes) == UInt8(ascii: "\"") else { throw fault("a key in double quotes should be here") }
        let key = try string(in: bytes)
        skipSpace(in: bytes)
        guard take(UInt8(ascii: ":"), in: bytes) else { throw fault("a \":\" should be here") }
        skipSpace(in: bytes)
        return key
    }

    /// Goes into the list that is here.
    mutating func beginList(in bytes: RawSpan) {
        position += 1
        isFirst = true
    }

    /// Whether the list has another item, which is here then.
    mutating func nextItem(in bytes: RawSpan) throws(Fault) -> Bool { try isFollowed(before: UInt8(ascii: "]"), in: bytes) }

    /// Whether the object or list has another member or item, which is here then.
    @inline(__always)
    private mutating func isFollowed(before end: UInt8, in bytes: RawSpan) throws(Fault) -> Bool {
        skipSpace(in: bytes)
        let isOver = take(end, in: bytes)
        if !isOver, !isFirst {
            guard take(UInt8(ascii: ","), in: bytes) else { throw fault("a \",\" or \"\(Unicode.Scalar(end))\" should be here") }
            skipSpace(in: bytes)
        }
        // What ends here was itself within something else, perhaps.
        isFirst = false
        return !isOver
    }

    /// Makes sure that nothing follows.
    mutating func end(in bytes: RawSpan) throws(Fault) {
        skipSpace(in: bytes)
        guard position == bytes.byteCount else { throw fault("more after the end of the JSON") }
    }

    /// The value that is here, and goes behind it. What an object or a list contains is checked and skipped.
    mutating func value(depth: Int = 1, in bytes: RawSpan) throws(Fault) -> JSONToken {
        switch next(in: bytes) {
        case UInt8(ascii: "\""): return .text(try string(in: bytes))
        case UInt8(ascii: "-"), .some(UInt8(ascii: "0")...UInt8(ascii: "9")): return .number(try number(in: bytes))
        case UInt8(ascii: "t"):
            try word("true", in: bytes)
            return .boolean(true)
        case UInt8(ascii: "f"):
            try word("false", in: bytes)
            return .boolean(false)
        case UInt8(ascii: "n"):
            try word("null", in: bytes)
            return .null
        case UInt8(ascii: "{"):
            let start = position
            try skipObject(depth: depth, in: bytes)
            return .object(start..<position)
        case UInt8(ascii: "["):
            try skipList(depth: depth, in: bytes)
            return .list
        case UInt8(ascii: "'"): throw fault("a single quote; JSON has double quotes")
        case nil: throw fault("the end where a value should be")
        default: throw fault("no JSON value begins like this")
        }
    }

    // MARK: Structure

    private mutating func skipObject(depth: Int, in bytes: RawSpan) throws(Fault) {
        guard depth < Self.maximumDepth else { throw fault("nested more than \(Self.maximumDepth) levels deep") }
        beginObject(in: bytes)
        while try nextKey(in: bytes) != nil { _ = try value(depth: depth + 1, in: bytes) }
    }

    private mutating func skipList(depth: Int, in bytes: RawSpan) throws(Fault) {
        guard depth < Self.maximumDepth else { throw fault("nested more than \(Self.maximumDepth) levels deep") }
        beginList(in: bytes)
        while try nextItem(in: bytes) { _ = try value(depth: depth + 1, in: bytes) }
    }

    @inline(__always)
    private func next(in bytes: RawSpan) -> UInt8? { position < bytes.byteCount ? bytes.byte(at: position) : nil }

    @inline(__always)
    private mutating func take(_ byte: UInt8, in bytes: RawSpan) -> Bool {
        guard next(in: bytes) == byte else { return false }
        position += 1
        return true
    }

    @inline(__always)
    private mutating func skipSpace(in bytes: RawSpan) {
        while let byte = next(in: bytes), byte <= 0x20, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func word(_ word: StaticString, in bytes: RawSpan) throws(Fault) {
        let start = position
        for byte in UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount) {
            guard take(byte, in: bytes) else { throw Fault(problem: "no JSON value begins like this", offset: start) }
        }
    }

    private func fault(_ problem: String) -> Fault { Fault(problem: problem, offset: position) }

    // MARK: Numbers

    private mutating func number(in bytes: RawSpan) throws(Fault) -> JSONNumber {
        let start = position
        let isNegative = take(UInt8(ascii: "-"), in: bytes)
        var magnitude: UInt64 = 0
        var fits = true
        if !take(UInt8(ascii: "0"), in: bytes) {
            try digits(in: bytes) { if fits { fits = JSONNumber.append($0, to: &magnitude) } }
        }
        let end = position
        if take(UInt8(ascii: "."), in: bytes) { try digits(in: bytes) { _ in } }
        if take(UInt8(ascii: "e"), in: bytes) || take(UInt8(ascii: "E"), in: bytes) {
            if !take(UInt8(ascii: "+"), in: bytes) { _ = take(UInt8(ascii: "-"), in: bytes) }
            try digits(in: bytes) { _ in }
        }
        let isInteger = position == end
        return JSONNumber(
            range: start..<position, isInteger: isInteger,
            integer: isInteger && fits ? JSONNumber.signed(magnitude, isNegative: isNegative) : nil)
    }

    @inline(__always)
    private mutating func digits(in bytes: RawSpan, _ body: (UInt8) -> Void) throws(Fault) {
        let start = position
        while let byte = next(in: bytes), UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte {
            body(byte - UInt8(ascii: "0"))
            position += 1
        }
        guard position > start else { throw fault("a digit should be here") }
    }

    // MARK: Strings

    /// The string that begins here. Eight bytes at a time, as long as nothing in them needs attention.
    private mutating func string(in bytes: RawSpan) throws(Fault) -> JSONString {
        let start = position + 1
        let lastWord = bytes.byteCount - 8
        var savedByEscapes = 0
        var isUnicode = true
        position = start
        while true {
            while position <= lastWord {
                let length = ExtendedJSON.plainByteCount(bytes.uint64(at: position))
                position += length
                if length < 8 { break }
            }
            switch next(in: bytes) {
            case nil: throw Fault(problem: "a string that is never closed", offset: start - 1)
            case UInt8(ascii: "\""):
                position += 1
                let range = start..<position - 1
                return JSONString(range: range, utf8Count: range.count - savedByEscapes, isUnicode: isUnicode)
            case UInt8(ascii: "\\"):
                guard let escape = JSONEscape(at: position, of: bytes) else { throw fault("JSON has no such escape") }
                position += escape.length
                isUnicode = isUnicode && escape.character != nil
                savedByEscapes += escape.length - (escape.character ?? "\u{FFFD}").utf8.count
            case .some(0..<0x20): throw fault("a control character in a string, which should be an escape")
            case .some(let lead) where lead >= 0x80: try character(lead, in: bytes)
            default: position += 1
            }
        }
    }

    private mutating func character(_ lead: UInt8, in bytes: RawSpan) throws(Fault) {
        do {
            position += try ExtendedJSON.characterLength(lead, at: position, end: bytes.byteCount, of: bytes)
        } catch {
            throw fault("text that is not UTF-8")
        }
    }
}
