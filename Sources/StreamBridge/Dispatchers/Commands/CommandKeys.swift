import Mongo
import Runtime

/// The keys that a command may have, found by their bytes.
struct CommandKeys: Sendable {
    let all: [CommandKey]
    /// The names one after the other, a zero byte after each: a cstring as an element of BSON begins with.
    private let names: [UInt8]
    /// Where each name is, without the zero byte.
    private let ranges: [Range<Int>]

    init(_ keys: [CommandKey]) {
        all = keys
        var names: [UInt8] = []
        ranges = keys.map { key in
            let start = names.count
            names += Array(key.name.utf8) + [0]
            return start..<names.count - 1
        }
        self.names = names
    }

    /// The index of a key, or nil for an unknown one. Most commands have their keys in the order of the configuration,
    /// so the search begins at `hint`, the index after that of the key before.
    @inline(__always)
    func index(of key: JSONString, in bytes: RawSpan, hint: Int) -> Int? {
        guard !key.hasEscapes else { return indexUnescaped(key, in: bytes) }
        return index(of: bytes, in: key.range, hint: hint)
    }

    /// Appends the name of a key as a cstring.
    func appendName(of index: Int, to buffer: inout OutputBuffer) {
        buffer.append(contentsOf: names.span.bytes, in: ranges[index].lowerBound..<ranges[index].upperBound + 1)
    }

    private func index(of bytes: RawSpan, in range: Range<Int>, hint: Int) -> Int? {
        let names = names.span.bytes
        for index in ranges.indices.suffix(from: hint) where bytes.equals(range, names.extracting(ranges[index])) { return index }
        for index in ranges.indices.prefix(upTo: hint) where bytes.equals(range, names.extracting(ranges[index])) { return index }
        return nil
    }

    private func indexUnescaped(_ key: JSONString, in bytes: RawSpan) -> Int? {
        guard key.isUnicode else { return nil }
        let name = Array(key.text(of: bytes).utf8)
        return index(of: name.span.bytes, in: name.indices, hint: 0)
    }
}
