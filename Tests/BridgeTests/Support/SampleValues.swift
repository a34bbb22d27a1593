import Mongo

/// Values that MongoDB takes for equal or keeps apart in ways that are easy to get wrong.
enum SampleValues {
    static func decimal(_ text: String) throws -> BSONValue {
        try BSONDocument(extendedJSON: #"{"v":{"$numberDecimal":"\#(text)"}}"#)["v"] ?? .null
    }

    static func numbers() throws -> [BSONValue] {
        let whole: [Int64] = [
            0, 1, 2, -1, 1 << 31, Int64(Int32.max), Int64(Int32.min), 1 << 53, 1 << 53 + 1, 1 << 53 + 2, .max, .max - 1, .min, .min + 1,
        ]
        let doubles: [Double] = [
            0, -0.0, 1, 2, -1, 0.1, 7.25, 2.5, -2.5, 0x1p31, 0x1p53, 0x1p53 + 2, 0x1p63, -0x1p63, 0x1p112, 0x1p113, 0x1p-48, 0x1p-60, 1e22,
            1e23, 1e300, .leastNonzeroMagnitude, .greatestFiniteMagnitude, .infinity, -.infinity, .nan,
            Double(nan: 7, signaling: false), -.nan,
        ]
        let decimals = [
            "0", "-0", "0E+3", "-0E-6176", "0E+6111", "1", "1.0", "1.00", "10E-1", "-1.0", "2.00", "7.25", "7.250", "2.5", "-2.50", "0.1",
            "0.10", "0.1000000000000000055511151231257827", "0.1000000000000000055511151231257828", "2147483648.0", "9007199254740992",
            "9007199254740993", "9007199254740994.0", "9223372036854775807", "9223372036854775807.0", "9223372036854775808",
            "-9223372036854775808", "-9223372036854775809", "9.223372036854775808E+18", "1E+3", "1000", "1E+22", "1E+23",
            "99999999999999991611392", "1E+300", "5192296858534827628530496329220096", "5192296858534827628530496329220095",
            "3.552713678800500929355621337890625E-15", "1E+6144", "1.000E+6144", "1E-6176", "9.999999999999999999999999999999999E+6144",
            "NaN",
            "-NaN", "Infinity", "-Infinity",
        ]
        // A coefficient of more than 34 digits, which the standard takes for zero, in both encodings.
        let unusual = [
            BSONDecimal128(high: 0x6C10_0000_0000_0000, low: 1), BSONDecimal128(high: 0x3041_FFFF_FFFF_FFFF, low: .max),
            BSONDecimal128(high: 0x7E00_0000_0000_0000, low: 5),
        ]
        return whole.flatMap { [.int64($0)] + (Int32(exactly: $0).map { [.int32($0)] } ?? []) } + doubles.map { .double($0) }
            + (try decimals.map(decimal)) + unusual.map { .decimal128($0) }
    }

    static func others() throws -> [BSONValue] {
        guard let id = BSONObjectID("64b000000000000000000001"), let otherID = BSONObjectID("64b000000000000000000002") else { return [] }
        let bytes: [UInt8] = Array(0..<16)
        return [
            "", "1", "a", "A", "b", "64b000000000000000000001", "caf\u{E9}", "cafe\u{301}", "a\u{0}b", .symbol("a"), .symbol("caf\u{E9}"),
            .javascript("a"), .javascript("b"), .javascriptWithScope("a", scope: ["x": 1]),
            .javascriptWithScope("a", scope: ["x": 1.0]), .javascriptWithScope("a", scope: ["x": 2]), ["a": 1], ["a": 1.0],
            ["a": .int64(1)], ["a": try decimal("1.00")], ["b": 1], ["a": 1, "b": 2], ["b": 2, "a": 1], ["a": 1.0, "b": try decimal("2")],
            ["a": ["b": [1, 2.0, "x"]]], ["a": ["b": [1.0, .int64(2), .symbol("x")]]], ["a": ["b": [2, 1, "x"]]], [:], ["a": "s"],
            ["a": .symbol("s")], ["a": .undefined], ["a": nil], .binary(subtype: 0, bytes: bytes), .binary(subtype: 3, bytes: bytes),
            .binary(subtype: 4, bytes: bytes), .binary(subtype: 0, bytes: []), .binary(subtype: 2, bytes: [1, 0, 0, 0, 7]),
            .binary(subtype: 0, bytes: [7]), .objectID(id), .objectID(otherID), true, false, .date(milliseconds: 0),
            .date(milliseconds: 1), .timestamp(BSONTimestamp(seconds: 0, increment: 1)), nil, .minKey, .maxKey,
            .dbPointer(namespace: "a.b", id: id), .dbPointer(namespace: "a.c", id: id),
            .regularExpression(pattern: "a", options: "i"), .regularExpression(pattern: "a", options: ""),
            .regularExpression(pattern: "a", options: "im"), .regularExpression(pattern: "a", options: "mi"),
        ]
    }
}
