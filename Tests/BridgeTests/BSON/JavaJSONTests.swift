import Testing

@testable import Mongo
@testable import Runtime

@Suite struct JavaJSONTests {
    private func text(_ document: BSONDocument, _ writer: JavaJSON = .document) throws -> String {
        var buffer = OutputBuffer(capacity: 64)
        let bytes = document.bytes
        try writer.writeDocument(bytes.span.bytes, into: &buffer)
        return String(decoding: buffer.bytes(), as: UTF8.self)
    }

    @Test(
        arguments: [
            (0, "0.0"), (-0.0, "-0.0"), (0.001, "0.001"), (0.0009999, "9.999E-4"), (1e-4, "1.0E-4"), (9_999_999.5, "9999999.5"),
            (1e7, "1.0E+7"), (12_345_678, "1.2345678E+7"), (-1.5e300, "-1.5E+300"), (.leastNonzeroMagnitude, "5.0E-324"),
            (.greatestFiniteMagnitude, "1.7976931348623157E+308"), (1e15, "1.0E+15"), (9_007_199_254_740_994, "9.007199254740994E+15"),
            (18_014_398_509_481_982, "1.8014398509481982E+16"), (1.0e23, "1.0E+23"), (0.00012345678901234567, "1.2345678901234567E-4"),
        ] as [(Double, String)])
    func doublesHaveJavasLayout(_ value: Double, _ expected: String) throws {
        #expect(try text(["v": .double(value)]) == "{\"v\": \(expected)}")
        #expect(Double(expected) == value)
    }

    /// One character of each category that is escaped, and neighbours that are not.
    @Test func charactersAreEscapedAsByTheDriver() throws {
        let written = "ü\u{301}\u{2B0}\u{AD}\u{600}\u{E000}\u{FFFF}\u{2028}\u{200D}\u{7F}\u{80}€東가Ж\u{483} 🍌"
        let expected = "ü\\u0301\\u02b0\\u00ad\\u0600\\ue000\\uffff\\u2028\\u200d\\u007f\\u0080€東가Ж\\u0483 \\ud83c\\udf4c"
        #expect(try text(["v": .string(written)]) == "{\"v\": \"\(expected)\"}")
        // A letter that Java 17 does not know yet.
        #expect(try text(["v": "\u{870}"]) == #"{"v": "\u0870"}"#)
    }

    @Test(arguments: 0..<20)
    func longTextsAreWhole(_ length: Int) throws {
        let plain = String(repeating: "a", count: length)
        let written = "\(plain)\u{7F}\(plain)\"\(plain)é\(plain)"
        #expect(try text(["v": .string(written)]) == #"{"v": "\#(plain)\u007f\#(plain)\"\#(plain)é\#(plain)"}"#)
    }

    @Test func bothNotationsHaveTheirSeparators() throws {
        let document: BSONDocument = ["a": [1, .int64(2)], "e": [:], "l": [], "t": .timestamp(BSONTimestamp(seconds: 1, increment: 2))]
        #expect(try text(document) == #"{"a": [1,{"$numberLong": "2"}],"e": {},"l": [],"t": {"$timestamp": {"t": 1,"i": 2}}}"#)
        #expect(try text(document, .key) == #"{"a": [1,2],"e": {},"l": [],"t": {"$timestamp": {"t": 1,"i": 2}}}"#)
        #expect(try text(document, .update) == #"{"a": [1, 2], "e": {}, "l": [], "t": {"$timestamp": {"t": 1, "i": 2}}}"#)
    }

    @Test func textThatIsNotUTF8IsRefused() throws {
        let bytes = (["v": "~~"] as BSONDocument).bytes.map { $0 == UInt8(ascii: "~") ? 0xFF : $0 }
        let document = try BSONDocument(copying: bytes.span.bytes)
        let failure = #expect(throws: BSONError.self) { try text(document) }
        #expect(failure?.kind == .invalidUTF8)
    }

    @Test func nestingHasALimit() throws {
        var document: BSONDocument = [:]
        for _ in 0..<300 { document = ["d": .document(document)] }
        let nested = document
        let failure = #expect(throws: BSONError.self) { try text(nested) }
        #expect(failure?.kind == .nestedTooDeep)
    }

    @Test(arguments: ["", "\"", "\\", "plain", "\"\"\\\\", "a\"b\\c", "\"a\"", String(repeating: "x\"", count: 500)])
    func quotesAreEscapedInPlace(_ text: String) throws {
        var buffer = OutputBuffer(capacity: 1)
        buffer.append("\"before")
        let start = buffer.count
        buffer.append(utf8Of: text)
        buffer.escapeQuotes(from: start)
        let expected = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        #expect(String(decoding: buffer.bytes(), as: UTF8.self) == "\"before" + expected)
    }
}
