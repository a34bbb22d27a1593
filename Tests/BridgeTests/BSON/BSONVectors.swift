import Testing

/// One value of a type, and what it is in each JSON. `relaxed` is nil if it is as in canonical.
struct BSONVector: Sendable, CustomTestStringConvertible {
    let name: String
    let type: UInt8
    let value: String
    let canonical: String
    let relaxed: String?
    let simple: String

    init(_ name: String, _ type: UInt8, _ value: String, canonical: String, relaxed: String? = nil, simple: String) {
        self.name = name
        self.type = type
        self.value = value
        self.canonical = canonical
        self.relaxed = relaxed
        self.simple = simple
    }

    var testDescription: String { name }

    var bytes: [UInt8] { document(type: type, value: hex(value)) }
}

/// Values of every type, by the tables of the Extended JSON, BSON and decimal128 specifications.
enum BSONVectors {
    static let all = numbers + decimals + texts + binaries + times + others

    static let numbers = [
        BSONVector("int32 zero", 0x10, "00000000", canonical: #"{"$numberInt":"0"}"#, relaxed: "0", simple: "0"),
        BSONVector(
            "int32 least", 0x10, "00000080", canonical: #"{"$numberInt":"-2147483648"}"#, relaxed: "-2147483648", simple: "-2147483648"),
        BSONVector(
            "int32 greatest", 0x10, "FFFFFF7F", canonical: #"{"$numberInt":"2147483647"}"#, relaxed: "2147483647", simple: "2147483647"),
        BSONVector("int64 small", 0x12, "0500000000000000", canonical: #"{"$numberLong":"5"}"#, relaxed: "5", simple: "5"),
        BSONVector(
            "int64 least", 0x12, "0000000000000080", canonical: #"{"$numberLong":"-9223372036854775808"}"#,
            relaxed: "-9223372036854775808", simple: "-9223372036854775808"),
        BSONVector(
            "int64 greatest", 0x12, "FFFFFFFFFFFFFF7F", canonical: #"{"$numberLong":"9223372036854775807"}"#,
            relaxed: "9223372036854775807", simple: "9223372036854775807"),
        BSONVector("double whole", 0x01, "000000000000F03F", canonical: #"{"$numberDouble":"1.0"}"#, relaxed: "1.0", simple: "1.0"),
        BSONVector("double fraction", 0x01, "000000000000F8BF", canonical: #"{"$numberDouble":"-1.5"}"#, relaxed: "-1.5", simple: "-1.5"),
        BSONVector("double zero", 0x01, "0000000000000000", canonical: #"{"$numberDouble":"0.0"}"#, relaxed: "0.0", simple: "0.0"),
        BSONVector("double minus zero", 0x01, "0000000000000080", canonical: #"{"$numberDouble":"-0.0"}"#, relaxed: "-0.0", simple: "-0.0"),
        BSONVector(
            "double with exponent", 0x01, "2A1BF5F41022B143", canonical: #"{"$numberDouble":"1.2345678921232E+18"}"#,
            relaxed: "1.2345678921232E+18", simple: "1.2345678921232E+18"),
        BSONVector("double NaN", 0x01, "000000000000F87F", canonical: #"{"$numberDouble":"NaN"}"#, simple: "null"),
        BSONVector("double NaN with payload", 0x01, "120000000000F8FF", canonical: #"{"$numberDouble":"NaN"}"#, simple: "null"),
        BSONVector("double infinity", 0x01, "000000000000F07F", canonical: #"{"$numberDouble":"Infinity"}"#, simple: "null"),
        BSONVector("double minus infinity", 0x01, "000000000000F0FF", canonical: #"{"$numberDouble":"-Infinity"}"#, simple: "null"),
    ]

    static let decimals = [
        decimal("zero", "000000000000000000000000 00004030", "0"),
        decimal("minus zero", "000000000000000000000000 000040B0", "-0"),
        decimal("zero with decimals", "000000000000000000000000 00003EB0", "-0.0"),
        decimal("zero with positive exponent", "000000000000000000000000 00004630", "0E+3"),
        decimal("whole", "020000000000000000000000 00004030", "2"),
        decimal("trailing zeros stay", "D00700000000000000000000 00003A30", "2.000"),
        decimal("only a fraction", "010000000000000000000000 00003E30", "0.1"),
        decimal("leading zeros", "D20400000000000000000000 00003430", "0.001234"),
        decimal("smallest without exponent", "010000000000000000000000 00003430", "0.000001"),
        decimal("largest with negative exponent", "010000000000000000000000 00003230", "1E-7"),
        decimal("several digits with negative exponent", "640000000000000000000000 00002CB0", "-1.00E-8"),
        decimal("positive exponent", "010000000000000000000000 00004630", "1E+3"),
        decimal("several digits with positive exponent", "1A0400000000000000000000 00004230", "1.050E+4"),
        decimal("34 digits", "F2AF967ED05C82DE3297FF6F DE3C4030", "1234567890123456789012345678901234"),
        decimal("34 decimals", "F2AF967ED05C82DE3297FF6F DE3CFC2F", "0.1234567890123456789012345678901234"),
        decimal("greatest", "FFFFFFFF638E8D37C087ADBE 09EDFF5F", "9.999999999999999999999999999999999E+6144"),
        decimal("least above zero", "010000000000000000000000 00000000", "1E-6176"),
        decimal("a coefficient of 35 digits is zero", "FFFFFFFFFFFFFFFFFFFFFFFF FFFF4130", "0"),
        decimal("a large-form coefficient is zero", "DCBA9876543210DEADBEEF00 000010EC", "-0"),
        decimal("a large form keeps its exponent", "FFFFFFFFFFFFFFFFFFFFFFFF FFFF116C", "0E+3"),
        decimal("NaN", "000000000000000000000000 0000007C", "NaN"),
        decimal("signalling negative NaN", "120000000000000000000000 000000FE", "NaN"),
        decimal("infinity", "000000000000000000000000 00000078", "Infinity"),
        decimal("minus infinity", "000000000000000000000000 000000F8", "-Infinity"),
    ]

    static let texts = [
        BSONVector("string empty", 0x02, "01000000 00", canonical: #""""#, simple: #""""#),
        BSONVector("string", 0x02, "04000000 61626300", canonical: #""abc""#, simple: #""abc""#),
        BSONVector("string with a zero byte", 0x02, "04000000 61006200", canonical: #""a\u0000b""#, simple: #""a\u0000b""#),
        BSONVector("string of 2, 3 and 4-byte characters", 0x02, "0A000000 C3A9E29886F09F9A9A00", canonical: #""é☆🚚""#, simple: #""é☆🚚""#),
        BSONVector(
            "string with escapes", 0x02, "0D000000 225C2F08090A0C0D011F7F6100",
            canonical: #""\"\\/\b\t\n\f\r\u0001\u001f"# + "\u{7F}a\"", simple: #""\"\\/\b\t\n\f\r\u0001\u001f"# + "\u{7F}a\""),
        BSONVector("symbol", 0x0E, "03000000 C3A900", canonical: #"{"$symbol":"é"}"#, simple: #""é""#),
        BSONVector("code", 0x0D, "03000000 782200", canonical: #"{"$code":"x\""}"#, simple: #""x\"""#),
        BSONVector(
            "code with scope", 0x0F, "14000000 03000000 787800 09000000 08 6100 01 00",
            canonical: #"{"$code":"xx","$scope":{"a":true}}"#, simple: #"{"code":"xx","scope":{"a":true}}"#),
        BSONVector(
            "regular expression", 0x0B, "612F2200 696D00", canonical: #"{"$regularExpression":{"pattern":"a/\"","options":"im"}}"#,
            simple: #""/a/\"/im""#),
        BSONVector(
            "regular expression, options out of order", 0x0B, "6100 786D6900",
            canonical: #"{"$regularExpression":{"pattern":"a","options":"imx"}}"#, simple: #""/a/imx""#),
        BSONVector(
            "regular expression, empty", 0x0B, "00 00", canonical: #"{"$regularExpression":{"pattern":"","options":""}}"#, simple: #""//""#),
    ]

    static let binaries = [
        binary("empty", "00000000 00", base64: "", subtype: "00"),
        binary("one byte", "01000000 00 FF", base64: "/w==", subtype: "00"),
        binary("two bytes, function", "02000000 01 FFFF", base64: "//8=", subtype: "01"),
        binary("three bytes, user-defined", "03000000 80 FBEFFF", base64: "++//", subtype: "80"),
        binary("old binary without its inner length", "06000000 02 02000000 FFFF", base64: "//8=", subtype: "02"),
        binary("old UUID", "10000000 03 73FFD26444B34C6990E8E7D1DFC035D4", base64: "c//SZESzTGmQ6OfR38A11A==", subtype: "03"),
        binary("UUID", "10000000 04 73FFD26444B34C6990E8E7D1DFC035D4", base64: "c//SZESzTGmQ6OfR38A11A==", subtype: "04"),
        binary("vector", "04000000 09 03007F07", base64: "AwB/Bw==", subtype: "09"),
    ]

    static let times = [
        date("epoch", 0, relaxed: "1970-01-01T00:00:00Z", simple: "1970-01-01T00:00:00.000Z"),
        date("with milliseconds", 1_356_351_330_501, relaxed: "2012-12-24T12:15:30.501Z", simple: "2012-12-24T12:15:30.501Z"),
        date("with few milliseconds", 1_356_351_330_001, relaxed: "2012-12-24T12:15:30.001Z", simple: "2012-12-24T12:15:30.001Z"),
        date("leap day", 951_782_399_000, relaxed: "2000-02-28T23:59:59Z", simple: "2000-02-28T23:59:59.000Z"),
        date("before 1970", -284_643_869_501, relaxed: nil, simple: "1960-12-24T12:15:30.499Z"),
        date("end of 9999", 253_402_300_799_999, relaxed: "9999-12-31T23:59:59.999Z", simple: "9999-12-31T23:59:59.999Z"),
        date("year 10000", 253_402_300_800_000, relaxed: nil, simple: nil),
        date("year 1", -62_135_596_800_000, relaxed: nil, simple: "0001-01-01T00:00:00.000Z"),
        date("year 0", -62_135_596_800_001, relaxed: nil, simple: nil),
        date("least", .min, relaxed: nil, simple: nil),
        date("greatest", .max, relaxed: nil, simple: nil),
        BSONVector(
            "timestamp", 0x11, "2A000000 15CD5B07", canonical: #"{"$timestamp":{"t":123456789,"i":42}}"#, simple: #"{"t":123456789,"i":42}"#
        ),
        BSONVector(
            "timestamp with all bits", 0x11, "FFFFFFFF FFFFFFFF", canonical: #"{"$timestamp":{"t":4294967295,"i":4294967295}}"#,
            simple: #"{"t":4294967295,"i":4294967295}"#),
    ]

    static let others = [
        BSONVector("true", 0x08, "01", canonical: "true", simple: "true"),
        BSONVector("false", 0x08, "00", canonical: "false", simple: "false"),
        BSONVector("null", 0x0A, "", canonical: "null", simple: "null"),
        BSONVector("undefined", 0x06, "", canonical: #"{"$undefined":true}"#, simple: "null"),
        BSONVector("MinKey", 0xFF, "", canonical: #"{"$minKey":1}"#, simple: #""MinKey""#),
        BSONVector("MaxKey", 0x7F, "", canonical: #"{"$maxKey":1}"#, simple: #""MaxKey""#),
        BSONVector(
            "ObjectId", 0x07, "56E1FC72E0C917E9C471416A", canonical: #"{"$oid":"56e1fc72e0c917e9c471416a"}"#,
            simple: #""56e1fc72e0c917e9c471416a""#),
        BSONVector(
            "DBPointer", 0x0C, "03000000 C3A900 56E1FC72E0C917E9C4714161",
            canonical: #"{"$dbPointer":{"$ref":"é","$id":{"$oid":"56e1fc72e0c917e9c4714161"}}}"#,
            simple: #"{"ref":"é","id":"56e1fc72e0c917e9c4714161"}"#),
        BSONVector("document, empty", 0x03, "05000000 00", canonical: "{}", simple: "{}"),
        BSONVector("array, empty", 0x04, "05000000 00", canonical: "[]", simple: "[]"),
        BSONVector(
            "document", 0x03, "0F000000 08 22 00 01 0A 00 0A C3A9 00 00", canonical: #"{"\"":true,"":null,"é":null}"#,
            simple: #"{"\"":true,"":null,"é":null}"#),
        BSONVector(
            "array, whatever its keys are", 0x04, "0F000000 08 35 00 01 0A 00 0A 6162 00 00", canonical: "[true,null,null]",
            simple: "[true,null,null]"),
        BSONVector(
            "document with the same key twice", 0x03, "0B000000 0A 6100 0A 6100 00", canonical: #"{"a":null,"a":null}"#,
            simple: #"{"a":null,"a":null}"#),
        BSONVector(
            "document that looks like a DBRef", 0x03, "16000000 02 2472656600 02000000 6200 0A 24696400 00",
            canonical: #"{"$ref":"b","$id":null}"#, simple: #"{"$ref":"b","$id":null}"#),
    ]

    private static func decimal(_ name: String, _ value: String, _ text: String) -> BSONVector {
        BSONVector("decimal \(name)", 0x13, value, canonical: #"{"$numberDecimal":"\#(text)"}"#, simple: "\"\(text)\"")
    }

    private static func binary(_ name: String, _ value: String, base64: String, subtype: String) -> BSONVector {
        BSONVector(
            "binary \(name)", 0x05, value, canonical: #"{"$binary":{"base64":"\#(base64)","subType":"\#(subtype)"}}"#,
            simple: "\"\(base64)\"")
    }

    private static func date(_ name: String, _ milliseconds: Int64, relaxed: String?, simple: String?) -> BSONVector {
        let value = withUnsafeBytes(of: milliseconds.littleEndian) { $0.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
        return BSONVector(
            "date \(name)", 0x09, value, canonical: #"{"$date":{"$numberLong":"\#(milliseconds)"}}"#,
            relaxed: relaxed.map { #"{"$date":"\#($0)"}"# }, simple: simple.map { "\"\($0)\"" } ?? "\(milliseconds)")
    }
}
