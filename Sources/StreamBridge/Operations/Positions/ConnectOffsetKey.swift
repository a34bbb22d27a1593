import Mongo

/// The key of an offset in Kafka Connect's offsets topic: `["<connector>",{<partition>}]`.
///
/// Two keys are the same one when their bytes are: that is how Connect and compaction compare them.
struct ConnectOffsetKey: Sendable, Hashable {
    /// As the topic has it.
    let text: String
    let connector: String

    /// Nil for what is not such a key.
    init?(_ bytes: [UInt8]) {
        guard let connector = try? Self.connector(in: bytes) else { return nil }
        self.connector = connector
        text = String(decoding: bytes, as: UTF8.self)
    }

    private static func connector(in text: [UInt8]) throws(JSONScanner.Fault) -> String? {
        let bytes = text.span.bytes
        var scanner = JSONScanner()
        guard try scanner.first(in: bytes) == UInt8(ascii: "[") else { return nil }
        scanner.beginList(in: bytes)
        guard try scanner.nextItem(in: bytes), case .text(let name) = try scanner.value(in: bytes), try scanner.nextItem(in: bytes),
            case .object = try scanner.value(in: bytes), try !scanner.nextItem(in: bytes)
        else { return nil }
        try scanner.end(in: bytes)
        return name.text(of: bytes)
    }
}
