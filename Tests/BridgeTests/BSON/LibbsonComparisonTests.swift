import CMongo
import Mongo
import Testing

/// The encoder against libbson, the C driver's own implementation, over random documents.
///
/// What libbson 1.23 reads wrongly is kept out: code and DBPointers in arrays get another key, code inside a scope
/// stays a document, and code ends at U+0000. What it writes wrongly, too: a DBPointer's namespace ends at U+0000, and
/// a decimal with a coefficient of 35 digits is not the zero that the standard makes of it.
@Suite struct LibbsonComparisonTests {
    /// Canonical JSON keeps everything, so libbson makes the same bytes of it.
    @Test func canonicalJSONParsesBackToTheSameBytes() throws {
        var random = RandomBSON(seed: 1)
        random.unusualBits = false
        random.codeAnywhere = false
        random.zeroBytesInCode = false
        for round in 0..<1500 {
            let original = random.document()
            let text = try original.extendedJSON(.canonical)
            let parsed = try BSONDocument(extendedJSON: text)
            #expect(parsed.bytes == original.bytes, "round \(round): \(text)")
        }
    }

    /// Relaxed JSON loses the width of small int64 values only.
    @Test func relaxedJSONParsesBackToTheSameBytes() throws {
        var random = RandomBSON(seed: 2)
        random.unusualBits = false
        random.codeAnywhere = false
        random.zeroBytesInCode = false
        random.smallInt64 = false
        for round in 0..<1500 {
            let original = random.document()
            let text = try original.extendedJSON(.relaxed)
            let parsed = try BSONDocument(extendedJSON: text)
            #expect(parsed.bytes == original.bytes, "round \(round): \(text)")
        }
    }

    /// libbson writes white space and longer doubles; apart from these the JSON is the same.
    @Test func canonicalJSONMeansTheSameAsLibbsons() throws {
        var random = RandomBSON(seed: 3)
        random.unusualBits = false
        random.zeroBytesInCode = false
        for round in 0..<1000 {
            let original = random.document()
            let ours = try original.extendedJSON(.canonical)
            let theirs = try #require(libbsonCanonicalJSON(original))
            #expect(try comparable(JSONText.parse(ours)) == comparable(JSONText.parse(theirs)), "round \(round): \(ours) \(theirs)")
        }
    }

    /// Doubles in canonical JSON as the number that they are, whatever their digits.
    private func comparable(_ value: JSONText) -> JSONText {
        switch value {
        case .object(let members):
            if members.count == 1, members[0].key == "$numberDouble", case .string(let digits) = members[0].value,
                let number = Double(digits)
            {
                return .object([JSONText.Member("$numberDouble", .string(number.description))])
            }
            return .object(members.map { JSONText.Member($0.key, comparable($0.value)) })
        case .array(let values): return .array(values.map(comparable))
        default: return value
        }
    }

    private func libbsonCanonicalJSON(_ document: BSONDocument) -> String? {
        document.withUnsafeBytes { bytes -> String? in
            guard let bson = bson_new_from_data(bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count) else { return nil }
            defer { bson_destroy(bson) }
            var length = 0
            guard let text = bson_as_canonical_extended_json(bson, &length) else { return nil }
            defer { bson_free(text) }
            return withoutWhiteSpace(UnsafeRawBufferPointer(start: text, count: length))
        }
    }

    /// libbson puts blanks between tokens, which the strict reader does not take.
    private func withoutWhiteSpace(_ text: UnsafeRawBufferPointer) -> String {
        var result: [UInt8] = []
        var inString = false
        var escaped = false
        for byte in text {
            if inString {
                inString = escaped || byte != UInt8(ascii: "\"")
                escaped = !escaped && byte == UInt8(ascii: "\\")
            } else {
                inString = byte == UInt8(ascii: "\"")
                if byte == UInt8(ascii: " ") { continue }
            }
            result.append(byte)
        }
        return String(decoding: result, as: UTF8.self)
    }
}
