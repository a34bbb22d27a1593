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
    package var clusterTime: BSONTimestamp? {
        guard let digits = data?.utf8, digits.count >= 18, digits.starts(with: "82".utf8) else { return nil }
        let time = String(decoding: digits.dropFirst(2).prefix(16), as: UTF8.self)
        return UInt64(time, radix: 16).map { BSONTimestamp(packed: $0) }
    }

    /// A post-batch token that stands for a time and for no event, so the server need not find an event to resume it.
    ///
    /// Source: the server's `ResumeTokenData`, whose third part after the time and the version is the kind: 0, `0x29` as a KeyString, for a
    /// high-water mark.
    package var isHighWaterMark: Bool {
        guard clusterTime != nil, let digits = data?.utf8.dropFirst(18) else { return false }
        return digits.starts(with: "2B".utf8) && digits.dropFirst(4).starts(with: "29".utf8)
    }
}
