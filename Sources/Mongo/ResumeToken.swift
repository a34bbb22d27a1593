import Runtime

/// A change stream's resume token: opaque to everyone but the server, except for what is read here of its `_data`.
///
/// `_data` is a hexadecimal KeyString (MongoDB 4.2 and later) that begins with the cluster time; two tokens of one
/// deployment compare like their strings.
package struct ResumeToken: Sendable, Hashable {
    /// As the server sent it: `_data`, and sometimes `_typeBits`.
    package let document: BSONDocument

    package init(document: BSONDocument) { self.document = document }

    /// A token of a time, or of an event whose `_id` needs no `_typeBits`: its `_data` alone.
    package init(data: String) { document = ["_data": .string(data)] }

    /// Reads ``text``. What has another form becomes `_data` as it is, for the server to refuse.
    package init(text: String) {
        let data = Self.data(ofText: text)
        guard !data.isEmpty, data.utf8.count < text.utf8.count,
            let bits = Self.bytes(ofHexadecimal: text.utf8.dropFirst(data.utf8.count + 1))
        else {
            self.init(data: text)
            return
        }
        self.init(document: ["_data": .string(data), "_typeBits": .binary(subtype: 0, bytes: bits)])
    }

    /// The hexadecimal KeyString, or nil for a token in another form.
    package var data: String? { document["_data"]?.stringValue }

    /// The whole token as one text, with which it can be given back: `_data`, and where the server sent `_typeBits`
    /// beside it, `:` and those in hexadecimal. Nil for a token in another form.
    ///
    /// A KeyString writes 7, 7.0 and Decimal128("7") alike, so that they compare as equal; the type bits tell which one
    /// it was. Without them the server finds another event than the one that it looks for, or none that it can read.
    package var text: String? {
        guard let data else { return nil }
        guard let bits = document["_typeBits"]?.binaryValue else { return data }
        var text = OutputBuffer(capacity: 2 * bits.count)
        text.append(hexadecimalOf: bits.span.bytes, in: bits.indices)
        return "\(data):\(text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) })"
    }

    /// The `_data` of a token's ``text``: what tokens are compared by.
    package static func data(ofText text: String) -> String {
        text.utf8.firstIndex(of: UInt8(ascii: ":")).map { String(text[..<$0]) } ?? text
    }

    private static func bytes(ofHexadecimal digits: Substring.UTF8View) -> [UInt8]? {
        guard digits.count.isMultiple(of: 2), !digits.isEmpty else { return nil }
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in digits {
            guard let value = UInt8(String(UnicodeScalar(digit)), radix: 16) else { return nil }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return bytes
    }

    /// The cluster time that the token begins with, or nil when its form is not known.
    ///
    /// Source: the server's KeyString encoding, where 0x82 (130, `kTimestamp`) is followed by the 64 bits of the
    /// timestamp, big-endian.
    package var clusterTime: BSONTimestamp? {
        guard let digits = data?.utf8, digits.count >= 18, digits.starts(with: "82".utf8) else { return nil }
        let time = String(decoding: digits.dropFirst(2).prefix(16), as: UTF8.self)
        return UInt64(time, radix: 16).map { BSONTimestamp(packed: $0) }
    }

    /// A post-batch token that stands for a time and for no event, so the server need not find an event to resume it.
    ///
    /// Source: the server's `ResumeTokenData`, whose third part after the time and the version is the kind: 0, `0x29`
    /// as a KeyString, for a high-water mark.
    package var isHighWaterMark: Bool {
        guard clusterTime != nil, let digits = data?.utf8.dropFirst(18) else { return false }
        return digits.starts(with: "2B".utf8) && digits.dropFirst(4).starts(with: "29".utf8)
    }
}
