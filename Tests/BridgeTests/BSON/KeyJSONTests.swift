import Mongo
import Testing

/// Extended JSON for keys of records: one form for all values that MongoDB takes for equal.
@Suite struct KeyJSONTests {
    private func key(_ value: BSONValue) throws -> String {
        // Without the braces and the empty key around it.
        String(try BSONDocument(fields: [("", value)]).extendedJSON(.key).dropFirst(4).dropLast())
    }

    @Test func aWholeNumberIsWrittenAsTheSmallestIntegerThatHoldsIt() throws {
        for one in [.int32(1), .int64(1), .double(1), try SampleValues.decimal("1"), try SampleValues.decimal("1.000")] as [BSONValue] {
            #expect(try key(one) == #"{"$numberInt":"1"}"#)
        }
        for zero in [.int32(0), .int64(0), .double(-0.0), try SampleValues.decimal("-0E+7")] as [BSONValue] {
            #expect(try key(zero) == #"{"$numberInt":"0"}"#)
        }
        for large in [.int64(1 << 40), .double(0x1p40), try SampleValues.decimal("1099511627776.0")] as [BSONValue] {
            #expect(try key(large) == #"{"$numberLong":"1099511627776"}"#)
        }
        for largest in [.int64(.max), try SampleValues.decimal("9223372036854775807.0")] as [BSONValue] {
            #expect(try key(largest) == #"{"$numberLong":"9223372036854775807"}"#)
        }
    }

    @Test func anyOtherNumberIsWrittenAsADoubleWhereItIsOne() throws {
        for number in [.double(7.25), try SampleValues.decimal("7.250")] as [BSONValue] {
            #expect(try key(number) == #"{"$numberDouble":"7.25"}"#)
        }
        for nan in [.double(.nan), .double(-.nan), try SampleValues.decimal("NaN")] as [BSONValue] {
            #expect(try key(nan) == #"{"$numberDouble":"NaN"}"#)
        }
        #expect(try key(SampleValues.decimal("-Infinity")) == #"{"$numberDouble":"-Infinity"}"#)
        #expect(try key(.double(0.1)) == #"{"$numberDouble":"0.1"}"#)
        #expect(try key(SampleValues.decimal("0.10")) == #"{"$numberDecimal":"0.1"}"#)
        #expect(try key(SampleValues.decimal("1.00E+6144")) == #"{"$numberDecimal":"1.000000000000000000000000000000000E+6144"}"#)
    }

    @Test func everythingElseIsCanonicalExtendedJSON() throws {
        for value in try SampleValues.others() {
            let document = BSONDocument(fields: [("", value)])
            let text = try document.extendedJSON(.canonical)
            let hasOtherForm = ["$numberLong", "$numberDouble", "$numberDecimal", "$symbol"].contains { text.contains($0) }
            guard !hasOtherForm || text.contains("$date"), value != .regularExpression(pattern: "a", options: "mi") else { continue }
            #expect(try document.extendedJSON(.key) == text)
        }
        #expect(try key(["a": [1.0, .symbol("s")]]) == #"{"a":[{"$numberInt":"1"},"s"]}"#)
    }
}
