import Foundation
import Mongo
import Testing

@testable import Runtime

/// Bytes from outside never trap: they give a typed error, or JSON that is JSON.
@Suite struct MalformedBSONTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        let kind: BSONError.Kind

        init(_ name: String, _ bytes: [UInt8], _ kind: BSONError.Kind) {
            self.name = name
            self.bytes = bytes
            self.kind = kind
        }

        var testDescription: String { name }
    }

    private static let whole: [Case] = [
        Case("no bytes", [], .truncated),
        Case("fewer bytes than a document has", hex("05000000"), .truncated),
        Case("length zero", hex("0000000000000000"), .invalidLength),
        Case("length of only itself", hex("0400000000"), .invalidLength),
        Case("negative length", hex("FFFFFFFF00"), .invalidLength),
        Case("least length", hex("0000008000"), .invalidLength),
        Case("longer than the bytes", hex("0600000000"), .truncated),
        Case("no terminator", hex("0500000001"), .missingTerminator),
        Case("unknown type", document(hex("80 6100")), .unknownType(0x80)),
        Case("type zero inside", document(hex("00 00")), .trailingBytes),
        Case("key without end", document(hex("0A 616263")), .missingTerminator),
        Case("elements after the end", hex("0D000000 10 7800 00010000 00 00"), .trailingBytes),
    ]

    private static let values: [Case] = [
        Case("double cut", document(type: 0x01, value: hex("0000000000F03F")), .truncated),
        Case("int32 cut", document(type: 0x10, value: hex("000000")), .truncated),
        Case("int64 cut", document(type: 0x12, value: hex("00000000000000")), .truncated),
        Case("date cut", document(type: 0x09, value: hex("12345678")), .truncated),
        Case("timestamp cut", document(type: 0x11, value: hex("2A00000015CD5B")), .truncated),
        Case("ObjectId cut", document(type: 0x07, value: hex("56E1FC72E0C917E9C47141")), .truncated),
        Case("decimal cut", document(type: 0x13, value: hex("000000000000000000000000000040")), .truncated),
        Case("boolean missing", document(type: 0x08, value: []), .truncated),
        Case("boolean 2", document(type: 0x08, value: [2]), .invalidBoolean(2)),
        Case("boolean -1", document(type: 0x08, value: [0xFF]), .invalidBoolean(0xFF)),
        Case("string without room for its length", document(type: 0x02, value: hex("010000")), .truncated),
        Case("string of length 0", document(type: 0x02, value: hex("00000000 00")), .invalidLength),
        Case("string of length -1", document(type: 0x02, value: hex("FFFFFFFF 00")), .invalidLength),
        Case("string of the least length", document(type: 0x02, value: hex("00000080 00")), .invalidLength),
        Case("string that eats the terminator", document(type: 0x02, value: hex("05000000 62006200")), .invalidLength),
        Case("string longer than everything", document(type: 0x02, value: hex("FFFFFF7F 666F6F00")), .invalidLength),
        Case("string without terminator", document(type: 0x02, value: hex("04000000 616263FF")), .missingTerminator),
        Case("string that is too short", document(type: 0x02, value: hex("01000000 0000")), .trailingBytes),
        Case("document of length 4", document(type: 0x03, value: hex("0400000000")), .invalidLength),
        Case("document that eats the terminator", document(type: 0x03, value: hex("0600000000")), .invalidLength),
        Case("document without terminator", document(type: 0x03, value: hex("0500000001")), .missingTerminator),
        Case("document cut", document(type: 0x03, value: hex("05000000")), .truncated),
        Case("array longer than everything", document(type: 0x04, value: hex("FFFFFF7F00")), .invalidLength),
        Case("bad string in a document", document(type: 0x03, value: hex("0D000000 02 00 05000000 6200 00")), .invalidLength),
        Case("binary of negative length", document(type: 0x05, value: hex("FFFFFFFF 00")), .invalidLength),
        Case("binary longer than the document", document(type: 0x05, value: hex("03000000 00 FFFF")), .invalidLength),
        Case("binary cut", document(type: 0x05, value: hex("00000000")), .truncated),
        Case("old binary without inner length", document(type: 0x05, value: hex("03000000 02 000000")), .truncated),
        Case("old binary, inner length too long", document(type: 0x05, value: hex("06000000 02 03000000 FFFF")), .invalidLength),
        Case("old binary, inner length too short", document(type: 0x05, value: hex("06000000 02 01000000 FFFF")), .invalidLength),
        Case("old binary, inner length -1", document(type: 0x05, value: hex("06000000 02 FFFFFFFF FFFF")), .invalidLength),
        Case("regular expression without options", document(type: 0x0B, value: hex("6100 69")), .missingTerminator),
        Case("regular expression without end", document(type: 0x0B, value: hex("61")), .missingTerminator),
        Case("DBPointer, empty string", document(type: 0x0C, value: hex("00000000 00") + [UInt8](repeating: 1, count: 12)), .invalidLength),
        Case("DBPointer, short id", document(type: 0x0C, value: hex("02000000 6200") + [UInt8](repeating: 1, count: 11)), .truncated),
        Case("code with scope, length 0", document(type: 0x0F, value: hex("00000000 01000000 00 0500000000")), .invalidLength),
        Case("code with scope, length -1", document(type: 0x0F, value: hex("FFFFFFFF 01000000 00 0500000000")), .invalidLength),
        Case(
            "code with scope, length below the least", document(type: 0x0F, value: hex("0D000000 01000000 00 0500000000")), .invalidLength),
        Case("code with scope, longer than all", document(type: 0x0F, value: hex("FF000000 01000000 00 0500000000")), .invalidLength),
        Case("code with scope, code too long", document(type: 0x0F, value: hex("0E000000 02000000 00 0500000000")), .invalidLength),
        Case("code with scope, code too short", document(type: 0x0F, value: hex("0F000000 01000000 0061 0500000000")), .invalidLength),
        Case("code with scope, code of length -1", document(type: 0x0F, value: hex("0E000000 FFFFFFFF 00 0500000000")), .invalidLength),
        Case("code with scope, code without end", document(type: 0x0F, value: hex("0E000000 01000000 01 0500000000")), .missingTerminator),
        Case("code with scope, scope too short", document(type: 0x0F, value: hex("0F000000 01000000 00 0500000000 00")), .invalidLength),
        Case("code with scope, bad scope", document(type: 0x0F, value: hex("14000000 01000000 00 0B000000 02 00 00000000 00")), .truncated),
    ]

    @Test(arguments: whole + values)
    func givesATypedError(malformed: Case) {
        for mode in JSONMode.allCases {
            #expect(failure(malformed.bytes, mode)?.kind == malformed.kind)
        }
        #expect(throws: BSONError.self) {
            try decode(malformed.bytes).fields().forEach { try decodeDeeply($0.value) }
        }
    }

    /// By table 3-7 of the Unicode standard: what is one short of, and one beyond, each range of well-formed bytes.
    @Test(arguments: [
        "80", "BF", "C0AF", "C1BF", "C2", "C27F", "C2C0", "DFC0", "E0", "E09F80", "E0A0", "E0A07F", "E0A0C0", "E1", "E180", "E18080FF",
        "ECBFC0",
        "ED9FC0", "EDA080", "EDBFBF", "EEBF", "EF7FBF", "F0", "F08FBFBF", "F0908080FF", "F09080", "F0907F80", "F09080C0", "F3C08080",
        "F48F",
        "F4908080", "F5808080", "F8888080", "FF", "FE",
    ])
    func rejectsTextThatIsNotUTF8(text: String) {
        for before in 0..<40 {
            for after in [0, 1, 9, 40] {
                let content = [UInt8](repeating: 0x61, count: before) + hex(text) + [UInt8](repeating: 0x7A, count: after)
                let string = littleEndian(Int32(content.count + 1)) + content + [0]
                #expect(failure(document(type: 0x02, value: string))?.kind == .invalidUTF8)
                #expect(failure(document([0x0A] + content + [0]))?.kind == .invalidUTF8)
                #expect(failure(document(type: 0x0B, value: content + [0, 0]))?.kind == .invalidUTF8)
                #expect(failure(document(type: 0x0B, value: [0] + content + [0]))?.kind == .invalidUTF8)
            }
        }
    }

    @Test(arguments: ["C280", "DFBF", "E0A080", "E18080", "ED9FBF", "EE8080", "EFBFBF", "F0908080", "F1808080", "F3BFBFBF", "F48FBFBF"])
    func acceptsTheEdgesOfUTF8(text: String) throws {
        let content = hex(text)
        let string = littleEndian(Int32(content.count + 1)) + content + [0]
        #expect(try json(document(type: 0x02, value: string), .relaxed) == "{\"v\":\"\(String(decoding: content, as: UTF8.self))\"}")
    }

    @Test func saysWhereAndWhatWithoutTheContents() {
        let error = failure(document(type: 0x02, value: hex("05000000 736563FF 00")))
        #expect(error == BSONError(.invalidUTF8, at: 14))
        #expect(error?.description == "Malformed BSON at byte 14: text is not valid UTF-8.")
    }

    @Test func everyPrefixIsAnErrorOrADocument() {
        let bytes = everyType()
        #expect(failure(bytes) == nil)
        for length in 0..<bytes.count {
            let prefix = Array(bytes.prefix(length))
            #expect(failure(prefix)?.kind == .truncated)
            guard length >= 5 else { continue }
            // With a length that is true and a terminator, the cut is found inside.
            check(littleEndian(Int32(length)) + prefix[4..<length - 1] + [0])
        }
    }

    @Test func everyChangedByteIsAnErrorOrADocument() {
        let bytes = everyType()
        for position in bytes.indices {
            for change in [0, 1, 0x7F, 0x80, 0xFF, bytes[position] &+ 1, bytes[position] &- 1] as [UInt8] {
                var changed = bytes
                changed[position] = change
                check(changed)
            }
        }
    }

    /// Random documents with random changes. `BRIDGE_FUZZ_RUNS` sets how many.
    @Test func randomChangesNeverTrap() throws {
        let runs = ProcessInfo.processInfo.environment["BRIDGE_FUZZ_RUNS"].flatMap(Int.init) ?? 200_000
        var random = RandomBSON(seed: 4)
        var bytes: [UInt8] = []
        var buffer = OutputBuffer(capacity: 4096)
        for run in 0..<runs {
            if run % 100 == 0 { bytes = random.document().bytes }
            guard bytes.count < 400 else { continue }
            var changed = bytes
            for _ in 0...random.generator.below(3) {
                let position = random.generator.below(changed.count)
                changed[position] = random.generator.pick([
                    0, 1, 2, 5, 0x7F, 0x80, 0xFF, UInt8(truncatingIfNeeded: random.generator.next()),
                ])
            }
            buffer.removeAll()
            let mode = JSONMode.allCases[run % JSONMode.allCases.count]
            guard (try? ExtendedJSON.writeDocument(changed.span.bytes, mode: mode, into: &buffer)) != nil, run % 50 == 0 else { continue }
            let text = buffer.bytes()
            #expect(throws: Never.self, "\(changed)") { try JSONText.parse(text) }
        }
    }

    /// A document with all values of the table.
    private func everyType() -> [UInt8] {
        document(BSONVectors.all.flatMap { [$0.type, 0x6B, 0] + hex($0.value) })
    }

    private func check(_ bytes: [UInt8]) {
        guard let text = try? json(bytes, .canonical) else { return }
        #expect(throws: Never.self, "\(bytes)") { try JSONText.parse(text) }
    }

    /// Decodes documents in documents, which are decoded only when asked for.
    private func decodeDeeply(_ value: BSONValue) throws {
        switch value {
        case .document(let document), .javascriptWithScope(_, let document): try document.fields().forEach { try decodeDeeply($0.value) }
        case .array(let values): try values.forEach(decodeDeeply)
        case .binary(2, _): throw BSONError(.invalidLength, at: 0)  // The inner length of the old binary is the reader's to check.
        default: break
        }
    }
}
