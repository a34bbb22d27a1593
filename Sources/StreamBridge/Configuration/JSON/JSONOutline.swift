/// What a JSON text is on its first two levels. The text itself is what goes to the server, because the order of keys
/// matters and numbers may not change.
enum JSONOutline: Equatable {
    case object(keys: [String])
    case list([JSONOutline])
    /// Also a list within a list.
    case other

    init(of text: String) throws(JSONScanner.Fault) {
        let text = Array(text.utf8)
        let bytes = text.span.bytes
        var scanner = JSONScanner()
        if try scanner.first(in: bytes) == UInt8(ascii: "[") {
            var items: [JSONOutline] = []
            scanner.beginList(in: bytes)
            while try scanner.nextItem(in: bytes) { items.append(try JSONOutline(&scanner, in: bytes)) }
            self = .list(items)
        } else {
            self = try JSONOutline(&scanner, in: bytes)
        }
        try scanner.end(in: bytes)
    }

    /// The value that is here.
    private init(_ scanner: inout JSONScanner, in bytes: RawSpan) throws(JSONScanner.Fault) {
        if try scanner.first(in: bytes) == UInt8(ascii: "{") {
            var keys: [String] = []
            scanner.beginObject(in: bytes)
            while let key = try scanner.nextKey(in: bytes) {
                keys.append(key.text(of: bytes))
                _ = try scanner.value(in: bytes)
            }
            self = .object(keys: keys)
        } else {
            _ = try scanner.value(in: bytes)
            self = .other
        }
    }
}
