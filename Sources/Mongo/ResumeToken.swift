/// A change stream's resume token: opaque to everyone but the server, except for what is read here of its `_data`.
///
/// `_data` is a hexadecimal KeyString (MongoDB 4.2 and later) that begins with the cluster time; two tokens of one deployment compare
/// like their strings.
package struct ResumeToken: Sendable, Hashable {
    /// As the server sent it: `_data`, and sometimes `_typeBits`.
    package let document: BSONDocument

    package init(document: BSONDocument) { self.document = document }

    /// A token that somebody typed or stored as its `_data` alone, which the server accepts.
    package init(data: String) { document = ["_data": .string(data)] }

    /// The hexadecimal KeyString, or nil for a token in another form.
    package var data: String? { document["_data"]?.stringValue }

    /// The cluster time that the token begins with, or nil when its form is not known.
    ///
    /// Source: the server's KeyString encoding, where 0x82 (130, `kTimestamp`) is followed by the 64 bits of the timestamp, big-endian.
    package var clusterTime: (seconds: UInt32, increment: UInt32)? {
        guard let digits = data?.utf8, digits.count >= 18, digits.starts(with: "82".utf8) else { return nil }
        let time = String(decoding: digits.dropFirst(2).prefix(16), as: UTF8.self)
        guard let value = UInt64(time, radix: 16) else { return nil }
        return (UInt32(value >> 32), UInt32(truncatingIfNeeded: value))
    }
}
