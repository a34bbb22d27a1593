import Foundation
import Mongo
import Testing

/// The encoder against PyMongo's `bson.json_util`, which shares no code with ours or with libbson.
///
/// Runs where `python3` has the package `bson` (of `pymongo`); `BRIDGE_PYTHON` names another interpreter. What
/// `json_util` cannot represent is listed in the script.
@Suite(.enabled(if: Python.hasBSON, "needs python3 with the package pymongo"))
struct PyMongoComparisonTests {
    @Test func readsOurJSONAsTheSameDocuments() throws {
        var random = RandomBSON(seed: 7)
        random.deprecatedTypes = false
        random.unusualBits = false
        var documents: [BSONDocument] = [
            ["ref": ["$ref": "orders", "$id": 1, "$db": "shop"]],
            ["ref": ["$ref": "orders", "$id": .binary(subtype: 4, bytes: Array(0..<16))]],
            ["uuid": .binary(subtype: 4, bytes: Array(0..<16)), "legacy": .binary(subtype: 3, bytes: Array(0..<16))],
        ]
        documents += (0..<2000).map { _ in random.document() }
        let lines = try documents.map { document in
            let digits = document.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            return try "\(digits)\t\(document.extendedJSON(.canonical))\t\(document.extendedJSON(.relaxed))\n"
        }
        let script = try #require(Bundle.module.path(forResource: "bson_json_util_check", ofType: "py", inDirectory: "Fixtures"))
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("bson-\(UUID().uuidString).tsv")
        try Data(lines.joined().utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let result = try Python.run([script, file.path])
        #expect(result.status == 0, "\(result.output)")
    }
}

private enum Python {
    static let interpreter = ProcessInfo.processInfo.environment["BRIDGE_PYTHON"] ?? "python3"

    static let hasBSON = (try? run(["-c", "import bson.json_util, bson.son"]))?.status == 0

    static func run(_ arguments: [String]) throws -> (status: Int32, output: String) { try Tool.run(interpreter, arguments) }
}
