import Mongo
import Testing

@testable import StreamBridge

/// What is JSON, and what is no command because it is none.
@Suite struct CommandJSONTests {
    private let decoder = CommandDecoder(.sample())

    private static let valid =
        #"{"id":"c-1","truck_id":4,"source":"N\u0065w-Yörk","destination":"Atlanta","product":"\u00e9🧦","quantity":40,"expiresAt":null}"#

    @Test(arguments: [
        ("{", "a key in double quotes should be here at byte 1"),
        (" ", "the end where a value should be at byte 1"),
        ("\u{FEFF}{}", "a byte order mark at byte 0"),
        ("{}}", "more after the end of the JSON at byte 2"),
        ("{} {}", "more after the end of the JSON at byte 3"),
        ("[] x", "more after the end of the JSON at byte 3"),
        ("{,}", "a key in double quotes should be here at byte 1"),
        ("{id:1}", "a key in double quotes should be here at byte 1"),
        (#"{"id":"a",}"#, "a key in double quotes should be here at byte 10"),
        (#"{"id":"a" "x":1}"#, "a \",\" or \"}\" should be here at byte 10"),
        (#"{"x":{}"id":"a"}"#, "a \",\" or \"}\" should be here at byte 7"),
        (#"{"x":{},,"id":"a"}"#, "a key in double quotes should be here at byte 8"),
        (#"{"x":[1 2]}"#, "a \",\" or \"]\" should be here at byte 8"),
        (#"{"x":[1,]}"#, "no JSON value begins like this at byte 8"),
        (#"{"id" "a"}"#, "a \":\" should be here at byte 6"),
        (#"{"id":}"#, "no JSON value begins like this at byte 6"),
        (#"{"id":'a'}"#, "a single quote; JSON has double quotes at byte 6"),
        (#"{"id":tru}"#, "no JSON value begins like this at byte 6"),
        (#"{"id":NaN}"#, "no JSON value begins like this at byte 6"),
        (#"{"id":+1}"#, "no JSON value begins like this at byte 6"),
        (#"{"id":01}"#, "a \",\" or \"}\" should be here at byte 7"),
        (#"{"id":-}"#, "a digit should be here at byte 7"),
        (#"{"id":1.}"#, "a digit should be here at byte 8"),
        (#"{"id":.5}"#, "no JSON value begins like this at byte 6"),
        (#"{"id":1e}"#, "a digit should be here at byte 8"),
        (#"{"id":1e+}"#, "a digit should be here at byte 9"),
        (#"{"id":"a}"#, "a string that is never closed at byte 6"),
        (#"{"id":"\x"}"#, "JSON has no such escape at byte 7"),
        (#"{"id":"\u12g4"}"#, "JSON has no such escape at byte 7"),
        (#"{"id":"\ud83d\u12g4"}"#, "JSON has no such escape at byte 13"),
        ("{\"id\":\"a\tb\"}", "a control character in a string, which should be an escape at byte 8"),
        ("{\"id\":\"c-1\",\"quantity\":0,/* */\"source\":1}", "a key in double quotes should be here at byte 25"),
    ])
    func saysWhereTheJSONBreaks(record: String, problem: String) throws {
        #expect(try decoder.fault(record) == CommandFault(.malformed, id: nil, message: "the record is not JSON: \(problem)"))
    }

    @Test(arguments: [
        ("null", "the record is null, expected a JSON object"),
        (" [1]", "the record is a list, expected a JSON object"), ("7 ", "the record is 7, expected a JSON object"),
        (#""{}""#, "the record is \"{}\", expected a JSON object"), ("true", "the record is true, expected a JSON object"),
    ])
    func refusesWhatIsNoObject(record: String, message: String) throws {
        #expect(try decoder.fault(record) == CommandFault(.invalid, id: nil, message: message))
        #expect(try decoder.fault("") == CommandFault(.malformed, id: nil, message: "the record is empty"))
    }

    /// By table 3-7 of the Unicode standard.
    @Test(
        arguments: [
            [0x80], [0xC0, 0xAF], [0xC2], [0xC2, 0x7F], [0xE0, 0x9F, 0x80], [0xED, 0xA0, 0x80], [0xEF, 0xBF], [0xF0, 0x8F, 0xBF, 0xBF],
            [0xF4, 0x90, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80], [0xFF],
        ] as [[UInt8]])
    func refusesTextThatIsNotUTF8(bytes: [UInt8]) throws {
        for before in 0..<9 {
            let head = Array(#"{"id":""#.utf8) + [UInt8](repeating: 0x61, count: before)
            for tail in [#"","complete":"c-1"}"#, ""] {
                let fault = try #require(try decoder.fault(head + bytes + Array(tail.utf8)))
                #expect(
                    fault
                        == CommandFault(
                            .malformed, id: nil, message: "the record is not JSON: text that is not UTF-8 at byte \(head.count)"))
            }
        }
    }

    @Test func skipsNestedValuesToALimit() throws {
        for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
            func record(_ levels: Int) -> String {
                let inner = open == "[" ? "" : "1"
                let nested = String(repeating: open, count: levels) + inner + String(repeating: close, count: levels)
                return #"{"source":\#(nested),"id":"c-1"}"#
            }
            #expect(try decoder.fault(record(99))?.id == "c-1")
            let fault = try #require(try decoder.fault(record(100)))
            #expect(fault.id == nil)
            #expect(fault.message.contains("nested more than 100 levels deep"))
            #expect(try decoder.fault(record(100_000))?.id == nil)
        }
    }

    @Test func everyPrefixIsAFault() throws {
        let bytes = Array(Self.valid.utf8)
        #expect(try decoder.fault(bytes) == nil)
        for length in 0..<bytes.count {
            let fault = try #require(try decoder.fault(Array(bytes.prefix(length))))
            #expect(fault.id == nil)
        }
    }

    /// A changed record gives a command or a fault, never a trap; and it is a fault in the JSON exactly if the tests'
    /// own reader says so.
    @Test func randomChangesGiveACommandOrAFault() throws {
        var generator = SeededGenerator(seed: 11)
        let record = Array(Self.valid.utf8)
        let pieces = [#"""#, "{", "}", "[", "]", ",", ":", "\\", "\\u", "0", "-", "1e9", "null", "\u{0}", "ö"].map { Array($0.utf8) }
        var compared = 0
        for _ in 0..<20_000 {
            var changed = record
            for _ in 0...generator.below(3) {
                let position = generator.below(changed.count)
                switch generator.below(4) {
                case 0: changed[position] = UInt8(truncatingIfNeeded: generator.next())
                case 1: changed.remove(at: position)
                case 2: changed.insert(contentsOf: generator.pick(pieces), at: position)
                default: changed[position] ^= 1 << UInt8(generator.below(8))
                }
            }
            let fault = try decoder.fault(changed)
            let isNoJSON = fault?.message.hasPrefix("the record is not JSON: ") == true
            // The reader takes no white space, no surrogates, and a plus in an escape.
            let text = String(decoding: changed, as: UTF8.self)
            guard !text.contains(where: { " \n\t\r+".contains($0) }), !text.lowercased().contains("\\ud") else { continue }
            compared += 1
            let isJSON = (try? JSONText.parse(changed)) != nil
            if isJSON == isNoJSON { Issue.record("\(text): \(fault?.message ?? "a command")") }
        }
        #expect(compared > 10_000)
    }
}
