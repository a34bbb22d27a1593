import Mongo
import Runtime

// A fuzzer for everything that touches BSON from outside, guided by coverage (libFuzzer) and with the address sanitizer. It is compiled
// together with the sources that it tests, as one module, because the sanitizer has to instrument them; it is no target of the package.
//
// From the root of the package (300 is seconds):
//
//     Fuzz/BSONFuzz/run.sh 300
//
// A finding is written to a file crash-… in .build/bson-fuzz; `.build/bson-fuzz/bson-fuzz FILE` runs it again.

/// How a document is written as JSON, and the result as the inside of a string.
private enum Writer {
    case extended(JSONMode)
    case java(JavaJSON)

    static let all: [Writer] = JSONMode.allCases.map { .extended($0) } + [.java(.document), .java(.update), .java(.key)]

    func write(_ bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) {
        switch self {
        case .extended(let mode): try ExtendedJSON.writeDocument(bytes, mode: mode, into: &buffer)
        case .java(let writer): try writer.writeDocument(bytes, into: &buffer)
        }
    }
}

/// One input: the first byte chooses the writer, the rest is the document.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let start, count > 1 else { return 0 }
    let input = UnsafeRawBufferPointer(start: start, count: count)
    let writer = Writer.all[Int(input[0]) % Writer.all.count]
    // A copy of exactly this size, so that the sanitizer sees the first byte read beyond it.
    let bytes = [UInt8](input.dropFirst())
    writesJSONOrFails(bytes, with: writer)
    decodesOrFails(bytes)
    isRewrittenOrFails(bytes)
    _ = try? BSONPath("a.0.b").find(in: bytes.span.bytes)
    return 0
}

private func writesJSONOrFails(_ bytes: [UInt8], with writer: Writer) {
    var buffer = OutputBuffer(capacity: 64)
    do {
        try writer.write(bytes.span.bytes, into: &buffer)
    } catch {
        precondition(0...bytes.count ~= error.offset, "an error outside of the bytes")
        return
    }
    do {
        _ = try JSONText.parse(buffer.bytes())
        guard case .java = writer else { return }
        // Its text is the inside of a string in a record, from which it comes back.
        let inner = String(decoding: buffer.bytes(), as: UTF8.self)
        buffer.escapeQuotes(from: 0)
        let quoted = [UInt8(ascii: "\"")] + buffer.bytes() + [UInt8(ascii: "\"")]
        let again = try JSONText.parse(quoted)
        precondition(again == .string(inner), "another text in a string")
    } catch {
        preconditionFailure("not JSON: \(String(decoding: buffer.bytes(), as: UTF8.self))")
    }
}

/// Rules for names that the fuzzer finds soon, with everything that a rule can do.
private let rules = [
    FieldRules(
        exclude: [["a"], ["b", "a"], ["b", "1"]], rename: [(["b"], "c"), (["b", "c"], "d")],
        mask: [(["d"], .hash), (["e"], .keep(2)), (["b", "f"], .redact)]),
    FieldRules(include: [["a"], ["b", "a"]], rename: [(["b"], "c")], mask: [(["a", "b"], .hash)]),
]

private func isRewrittenOrFails(_ bytes: [UInt8]) {
    for rules in rules {
        let rewriter = FieldRewriter(rules, key: Array("sixteen bytes and".utf8))
        for isEvent in [false, true] {
            var buffer = OutputBuffer(capacity: 64)
            do throws(BSONError) {
                if isEvent {
                    try rewriter.writeEvent(bytes.span.bytes, at: 0, into: &buffer)
                } else {
                    try rewriter.writeDocument(bytes.span.bytes, into: &buffer)
                }
            } catch {
                precondition(0...bytes.count ~= error.offset, "an error outside of the bytes")
                continue
            }
            guard let document = try? BSONDocument(copying: buffer.bytes().span.bytes) else {
                preconditionFailure("the rewritten document is none")
            }
            let isJSON = (try? document.extendedJSON()) != nil
            var text = OutputBuffer(capacity: 64)
            let wasJSON = (try? ExtendedJSON.writeDocument(bytes.span.bytes, mode: .relaxed, into: &text)) != nil
            // What the rules leave of a good document is one. `keep` cuts a text between characters.
            precondition(isJSON || !wasJSON, "the rewritten document cannot be read")
        }
    }
}

private func decodesOrFails(_ bytes: [UInt8]) {
    guard let document = try? BSONDocument(copying: bytes.span.bytes), let fields = try? document.fields() else { return }
    // Keys that are not UTF-8 were repaired and have other bytes now; the number of fields stays.
    let copy = BSONDocument(fields: fields.map { ($0.key, $0.value) })
    precondition(copy.keys.count == document.keys.count, "fields were lost")
}
