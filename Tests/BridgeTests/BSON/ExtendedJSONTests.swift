import Foundation
import Mongo
import Testing

@testable import Runtime

@Suite struct ExtendedJSONTests {
    @Test(arguments: BSONVectors.all)
    func writesEveryTypeAsTheSpecificationHasIt(vector: BSONVector) throws {
        #expect(try json(vector.bytes, .canonical) == #"{"v":\#(vector.canonical)}"#)
        #expect(try json(vector.bytes, .relaxed) == #"{"v":\#(vector.relaxed ?? vector.canonical)}"#)
        #expect(try json(vector.bytes, .simple) == #"{"v":\#(vector.simple)}"#)
    }

    @Test func writesADocumentThatStartsInsideOtherBytes() throws {
        let bytes = hex("FFFF") + document(type: 8, value: [1]) + hex("FF")
        var buffer = OutputBuffer(capacity: 0)
        try ExtendedJSON.writeDocument(bytes.span.bytes, at: 2, mode: .relaxed, into: &buffer)
        #expect(text(buffer) == #"{"v":true}"#)
    }

    @Test func splicesMembersAndValues() throws {
        let bytes = (["a": ["x": 1], "b": [1, "y"]] as BSONDocument).bytes
        let span = bytes.span.bytes
        var buffer = OutputBuffer(capacity: 0)
        var cursor = try BSONCursor(document: span)
        buffer.append("{\"extra\":0,")
        let first = try #require(try cursor.next(in: span))
        try ExtendedJSON.writeMember(first, of: span, mode: .relaxed, into: &buffer)
        buffer.append(",\"list\":")
        let second = try #require(try cursor.next(in: span))
        try ExtendedJSON.writeValue(second, of: span, mode: .canonical, into: &buffer)
        buffer.append(",\"again\":")
        try ExtendedJSON.writeArray(span, at: second.value.lowerBound, mode: .simple, into: &buffer)
        buffer.append(",\"text\":")
        ExtendedJSON.writeString("\"é\"", into: &buffer)
        buffer.append("}")
        #expect(
            text(buffer)
                == #"{"extra":0,"a":{"x":1},"list":[{"$numberInt":"1"},"y"],"again":[1,"y"],"text":"\"é\""}"#)
    }

    /// A character that needs an escape, or more than one byte, at every place relative to the eight or 32 bytes that
    /// are looked at together.
    @Test(arguments: ["\"", "\\", "\n", "\u{0}", "é", "☆", "🚚", "é☆🚚\"é"])
    func escapesAtEveryPlaceInAText(character: String) throws {
        for before in 0..<40 {
            for after in 0..<40 {
                let text = String(repeating: "a", count: before) + character + String(repeating: "z", count: after)
                let bytes = (["v": .string(text)] as BSONDocument).bytes
                let parsed = try JSONText.parse(try json(bytes, .relaxed))
                #expect(parsed == .object([JSONText.Member("v", .string(text))]))
            }
        }
    }

    @Test func keepsArraysAndDocumentsApartAtTheEdgeOfTheBytes() throws {
        // The last text ends one byte before the end of the bytes, so there are no eight bytes left to load.
        for length in 0..<20 {
            let key = String(repeating: "k", count: length)
            #expect(try json(([key: .null] as BSONDocument).bytes, .relaxed) == "{\"\(key)\":null}")
        }
    }

    @Test func nestsTwoHundredLevelsAndMoreOnASmallStack() async throws {
        for type in [3, 4] as [UInt8] {
            let fits = nested(depth: ExtendedJSON.maximumDepth, type: type)
            let exceeds = nested(depth: ExtendedJSON.maximumDepth + 1, type: type)
            let results = await onSmallStack { [failure(nested(depth: 200, type: type)), failure(fits), failure(exceeds)] }
            #expect(results[0] == nil)
            #expect(results[1] == nil)
            #expect(results[2]?.kind == .nestedTooDeep)
        }
    }

    @Test func nestsCodeWithScopeOnASmallStack() async throws {
        var scope = BSONDocument()
        for _ in 1..<ExtendedJSON.maximumDepth { scope = ["c": .javascriptWithScope("", scope: scope)] }
        let fits = scope.bytes
        let exceeds = (["c": .javascriptWithScope("", scope: scope)] as BSONDocument).bytes
        let results = await onSmallStack { [failure(fits), failure(exceeds)] }
        #expect(results[0] == nil)
        #expect(results[1]?.kind == .nestedTooDeep)
    }
}

/// Runs on a thread with 1 MiB of stack: a quarter of what a loop has, because a sanitizer's frames are larger.
private func onSmallStack<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in
        let thread = Thread { continuation.resume(returning: body()) }
        thread.stackSize = 1 << 20
        thread.start()
    }
}
