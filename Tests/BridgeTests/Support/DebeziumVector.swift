import Foundation
import Mongo

@testable import StreamBridge

/// A record that Debezium's connector wrote for an event: Fixtures/debezium/README.md.
struct DebeziumVector: Decodable {
    struct Namespace: Decodable {
        let db: String
        let coll: String
    }

    struct Tombstone: Decodable {
        let key: String
    }

    let note: String
    let operation: String
    let topic: String
    let key: String
    let value: String
    /// BSON in base64; of a snapshot there is the document instead.
    private let event: Data?
    private let document: Data?
    private let ns: Namespace?
    let tombstone: Tombstone?

    var isOfSnapshot: Bool { document != nil }

    static func all(in file: String) throws -> [DebeziumVector] {
        guard let url = Bundle.module.url(forResource: file, withExtension: "jsonl", subdirectory: "Fixtures/debezium") else {
            throw CocoaError(.fileNoSuchFile)
        }
        return try Data(contentsOf: url).split(separator: UInt8(ascii: "\n")).map {
            try JSONDecoder().decode(DebeziumVector.self, from: $0)
        }
    }

    /// The event as the server sent it; of a snapshot the one that an insert would have given.
    func changeEvent() throws -> BSONDocument {
        if let event { return try BSONDocument(copying: Array(event).span.bytes) }
        guard let document, let ns else { throw CocoaError(.coderValueNotFound) }
        let full = try BSONDocument(copying: Array(document).span.bytes)
        var changed = SampleEvent.insert(1)
        changed.set("wallTime", nil)
        changed.set("fullDocument", .document(full))
        changed.set("ns", ["db": .string(ns.db), "coll": .string(ns.coll)])
        changed.set("documentKey", .document(BSONDocument(fields: [("_id", full["_id"] ?? .null)])))
        return changed
    }

    /// The stream that is to write the same.
    var stream: StreamSettings {
        let prefix = String(topic.split(separator: ".").dropLast(2).joined(separator: "."))
        return .sample {
            $0.format = .debezium(DebeziumSettings(topicPrefix: prefix))
            $0.tombstones = true
        }
    }

    /// A record's value without what differs from one run to the next, and with its doubles as numbers.
    static func comparable(_ value: String, isOfSnapshot: Bool) -> String {
        var text = DebeziumText.comparable(value)
        text.replace(#/"ts_ms":[0-9]+,"transaction":/#, with: "\"ts_ms\":0,\"transaction\":")
        text.replace(#/"version":"[^"]*"/#, with: "\"version\":\"\"")
        guard isOfSnapshot else { return text }
        // The bridge has the same word for the last one of all.
        text.replace("\"snapshot\":\"last\"", with: "\"snapshot\":\"true\"")
        text.replace(#/"ts_(ms|us|ns)":[0-9]+/#) { "\"ts_\($0.output.1)\":0" }
        return text
    }
}

/// The texts of JSON that are in a record, compared character by character except for their doubles.
enum DebeziumText {
    /// The envelope, with the JSON in its strings unescaped.
    static func comparable(_ envelope: String) -> String {
        pieces(of: envelope).map { piece in
            guard piece.hasPrefix("\"{") else { return piece }
            let text = piece.dropFirst().dropLast().replacing(#/\\(["\\])/#) { $0.output.1 }
            return "«\(document(text))»"
        }.joined()
    }

    /// A text that is JSON but for the bare `NaN` and infinities of the connector.
    static func document(_ text: some StringProtocol) -> String {
        pieces(of: String(text)).map { piece in
            switch piece {
            case "NaN", "Infinity", "-Infinity": "{\"$numberDouble\": \"\(piece)\"}"
            case _ where piece.first.map { $0 == "-" || $0.isNumber } ?? false && piece.contains { ".E".contains($0) }:
                Double(piece).map { "\($0)" } ?? piece
            default: piece
            }
        }.joined()
    }

    /// Strings, words and numbers, and what is between them.
    private static func pieces(of text: String) -> [String] {
        var pieces: [String] = []
        var piece = String.UnicodeScalarView()
        var (isString, isEscaped) = (false, false)
        func isOfWord(_ scalar: Unicode.Scalar) -> Bool {
            scalar.properties.isAlphabetic || "+-.0123456789".unicodeScalars.contains(scalar)
        }
        for scalar in text.unicodeScalars {
            if isString {
                piece.append(scalar)
                if isEscaped {
                    isEscaped = false
                } else if scalar == "\\" {
                    isEscaped = true
                } else if scalar == "\"" {
                    isString = false
                    pieces.append(String(piece))
                    piece = .init()
                }
            } else if isOfWord(scalar), piece.allSatisfy(isOfWord) {
                piece.append(scalar)
            } else {
                pieces.append(String(piece))
                piece = String.UnicodeScalarView([scalar])
                isString = scalar == "\""
            }
        }
        return pieces + [String(piece)]
    }
}
