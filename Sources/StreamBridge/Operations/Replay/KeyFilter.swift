import Mongo
import Runtime

/// Chooses records by their key.
struct KeyFilter {
    private enum Choice {
        /// The key as it was given, and as the bridge writes it.
        case keys([[UInt8]])
        case pattern(Regex<AnyRegexOutput>)
    }

    private let choice: Choice

    /// Reads a whole key, or `/PATTERN/`, a regular expression that has to be found in the key.
    ///
    /// Where a key is JSON, any spelling of the same value chooses the record: `{"_id":1}`,
    /// `{"_id":{"$numberDouble":"1.0"}}`.
    ///
    /// - Throws: ``WrongUsage`` for a pattern that is none.
    init(_ text: String) throws(WrongUsage) {
        guard text.count >= 2, text.hasPrefix("/"), text.hasSuffix("/") else {
            choice = .keys([Array(text.utf8)] + [Self.written(text)].compactMap(\.self))
            return
        }
        do {
            choice = .pattern(try Regex(String(text.dropFirst().dropLast())))
        } catch {
            throw WrongUsage("--key: \(text) is no regular expression: \(error)")
        }
    }

    /// The key that a stream gives the value which an Extended JSON text means; nil for any other text.
    private static func written(_ text: String) -> [UInt8]? {
        guard let document = try? BSONDocument(extendedJSON: "{\"k\":\(text)}"), document.keys == ["k"] else { return nil }
        let span = document.bytes.span.bytes
        var buffer = OutputBuffer(capacity: 256)
        guard var fields = try? BSONCursor(document: span), let value = try? fields.next(in: span),
            (try? ExtendedJSON.writeValue(value, of: span, mode: .key, into: &buffer)) != nil
        else { return nil }
        return buffer.bytes()
    }

    /// A record without a key is not taken.
    func takes(_ key: [UInt8]?) -> Bool {
        guard let key else { return false }
        switch choice {
        case .keys(let wanted): return wanted.contains(key)
        case .pattern(let pattern): return String(decoding: key, as: UTF8.self).firstMatch(of: pattern) != nil
        }
    }
}
