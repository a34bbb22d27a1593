import Testing

@testable import StreamBridge

@Suite struct KeyFilterTests {
    private func takes(_ filter: String, _ key: String) throws -> Bool { try KeyFilter(filter).takes(Array(key.utf8)) }

    @Test(arguments: [
        #"{"_id":{"$numberInt":"1"}}"#, #"{"_id":1}"#, #"{"_id": {"$numberDouble": "1.0"}}"#, #"{"_id":{"$numberLong":"1"}}"#,
        #"{"_id":{"$numberDecimal":"1.00"}}"#,
    ])
    func everySpellingOfAValueChoosesItsRecords(_ filter: String) throws {
        #expect(try takes(filter, #"{"_id":{"$numberInt":"1"}}"#))
        #expect(try !takes(filter, #"{"_id":{"$numberInt":"2"}}"#))
        #expect(try !takes(filter, #"{"_id":"1"}"#))
    }

    @Test func aKeyIsTakenAsItIsGivenToo() throws {
        for key in ["plain", #"{"_id":{"$numberDouble":"1.0"}}"#, #"1,"x":2"#, "", #"{"broken"#, "4"] { #expect(try takes(key, key)) }
        #expect(try takes("4", #"{"$numberInt":"4"}"#))
        #expect(try !takes(#"1,"x":2"#, #"{"$numberInt":"1"}"#))
        #expect(try takes("/num.*Int/", #"{"_id":{"$numberInt":"1"}}"#))
        #expect(try !KeyFilter("x").takes(nil))
    }
}
