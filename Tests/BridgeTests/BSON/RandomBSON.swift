import Mongo

/// Random documents with values of all types. The switches keep out what another implementation cannot represent.
struct RandomBSON {
    var generator: SeededGenerator

    /// Symbols, DBPointers, undefined.
    var deprecatedTypes = true

    /// Small int64 values, which relaxed JSON makes an int32.
    var smallInt64 = true

    /// NaNs with a payload and decimals in non-canonical encodings, whose bits JSON does not keep.
    var unusualBits = true

    /// U+0000 in code.
    var zeroBytesInCode = true

    /// Code and DBPointers as elements of arrays, and code in scopes.
    var codeAnywhere = true

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
    }

    mutating func document(depth: Int = 0, inScope: Bool = false) -> BSONDocument {
        let count = generator.below(depth == 0 ? 12 : 5)
        return BSONDocument(fields: (0..<count).map { index in (key(index), value(depth: depth, inScope: inScope)) })
    }

    private mutating func key(_ index: Int) -> String {
        // The index keeps names apart, because other implementations read JSON into dictionaries.
        generator.below(8) == 0 ? "\(text(zeroBytes: false))\(index)" : "\(generator.pick(["name", "k", "größe", "a.b", "tab\t"]))\(index)"
    }

    private mutating func text(zeroBytes: Bool = true) -> String {
        let pieces =
            ["a", "plain text", "é", "☆", "🚚", "\"", "\\", "\n", "\u{1F}", "/", "\u{7F}", "\u{2028}"] + (zeroBytes ? ["\u{0}"] : [])
        var text = ""
        for _ in 0..<generator.below(8) { text += generator.pick(pieces) }
        return text
    }

    private mutating func value(depth: Int, inArray: Bool = false, inScope: Bool = false) -> BSONValue {
        let hasCode = codeAnywhere || !(inArray || inScope)
        return switch generator.below(depth < 4 ? 23 : 19) {
        case 0: .double(double())
        case 1: .string(text())
        case 2: binary()
        case 3: deprecatedTypes ? .undefined : .null
        case 4: .objectID(objectID())
        case 5: .boolean(generator.below(2) == 0)
        case 6: .date(milliseconds: Int64(generator.below(300_000_000_000_000)) - 100_000_000_000_000)
        case 7: .date(milliseconds: Int64(bitPattern: generator.next()))
        case 8: .null
        case 9: .regularExpression(pattern: text(zeroBytes: false), options: generator.pick(["", "i", "im", "msx", "imsux"]))
        case 10: deprecatedTypes && hasCode ? .dbPointer(namespace: text(zeroBytes: zeroBytesInCode), id: objectID()) : .null
        case 11: hasCode ? .javascript(text(zeroBytes: zeroBytesInCode)) : .null
        case 12: deprecatedTypes ? .symbol(text()) : .null
        case 13: .int32(Int32(truncatingIfNeeded: generator.next()))
        case 14: .timestamp(BSONTimestamp(packed: generator.next()))
        case 15: .int64(int64())
        case 16: .decimal128(decimal())
        case 17: .minKey
        case 18: .maxKey
        case 19:
            hasCode
                ? .javascriptWithScope(text(zeroBytes: zeroBytesInCode), scope: document(depth: depth + 1, inScope: true)) : .null
        case 20: .document(document(depth: depth + 1, inScope: inScope))
        default: .array((0..<generator.below(6)).map { _ in value(depth: depth + 1, inArray: true, inScope: inScope) })
        }
    }

    private mutating func double() -> Double {
        let value: Double =
            switch generator.below(8) {
            case 0:
                generator.pick([
                    0, -0.0, 1, -1, 1e15, 1e16, 9_007_199_254_740_994, 1e20, .leastNonzeroMagnitude, .greatestFiniteMagnitude, .infinity,
                    -.infinity,
                ])
            case 1: Double(generator.below(1_000_000)) / 100
            case 2: Double(generator.below(1_000_000_000_000)) / 1_000_000
            case 3: Double(Int64(bitPattern: generator.next()))
            case 4: -Double(generator.below(1_000_000)) / generator.pick([3, 7, 10, 1000, 1e9, 1e15])
            default: Double(bitPattern: generator.next())
            }
        return value.isNaN && !unusualBits ? .nan : value
    }

    private mutating func int64() -> Int64 {
        let value = Int64(bitPattern: generator.next()) >> Int64(generator.below(64))
        return smallInt64 || Int32(exactly: value) == nil ? value : value + (value < 0 ? -1 : 1) << 40
    }

    private mutating func objectID() -> BSONObjectID {
        let bytes = (0..<12).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return BSONObjectID(digits) ?? BSONObjectID("000000000000000000000000") ?? objectID()
    }

    private mutating func binary() -> BSONValue {
        var bytes = (0..<generator.below(24)).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        let subtype = generator.pick([0, 1, 2, 3, 4, 5, 7, 8, 9, 0x80, 0xFF] as [UInt8])
        if subtype == 2 { bytes = littleEndian(Int32(bytes.count)) + bytes }
        if subtype == 3 || subtype == 4 { bytes = (0..<16).map { _ in UInt8(truncatingIfNeeded: generator.next()) } }
        return .binary(subtype: subtype, bytes: bytes)
    }

    private mutating func decimal() -> BSONDecimal128 {
        if unusualBits, generator.below(2) == 0 { return BSONDecimal128(high: generator.next(), low: generator.next()) }
        if generator.below(10) == 0 { return BSONDecimal128(high: generator.pick([0x7C << 56, 0x78 << 56, 0xF8 << 56]), low: 0) }
        // A coefficient of any length below 34 digits, and an exponent of the whole range, though mostly a small one.
        let bits = generator.below(112)
        let coefficient = (UInt128(generator.next()) << 64 | UInt128(generator.next())) >> UInt128(128 - bits)
        let exponent = generator.below(3) == 0 ? generator.below(12_288) : 6176 - 40 + generator.below(50)
        let sign = UInt64(generator.below(2)) << 63
        return BSONDecimal128(
            high: sign | UInt64(exponent) << 49 | UInt64(truncatingIfNeeded: coefficient >> 64),
            low: UInt64(truncatingIfNeeded: coefficient))
    }
}
