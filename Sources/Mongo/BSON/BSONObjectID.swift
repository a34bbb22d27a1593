import Runtime

/// The 12 bytes of an ObjectId, in the order in which they are written as hexadecimal digits.
package struct BSONObjectID: Sendable, Hashable {
    /// The first eight bytes, the first one in the top bits.
    let high: UInt64

    /// The last four bytes.
    let low: UInt32

    init(high: UInt64, low: UInt32) {
        self.high = high
        self.low = low
    }

    /// From 24 hexadecimal digits of either case; nil for anything else.
    package init?(_ hexadecimal: String) {
        let digits = Array(hexadecimal.utf8)
        guard digits.count == 24 else { return nil }
        var high: UInt64 = 0
        var low: UInt32 = 0
        for (index, digit) in digits.enumerated() {
            guard let value = Character(UnicodeScalar(digit)).hexDigitValue else { return nil }
            if index < 16 {
                high = high << 4 | UInt64(value)
            } else {
                low = low << 4 | UInt32(value)
            }
        }
        self.init(high: high, low: low)
    }

    package var bytes: [UInt8] {
        withUnsafeBytes(of: high.bigEndian) { Array($0) } + withUnsafeBytes(of: low.bigEndian) { Array($0) }
    }
}

extension BSONObjectID: CustomStringConvertible {
    /// 24 lower-case hexadecimal digits.
    package var description: String {
        var buffer = OutputBuffer(capacity: 24)
        buffer.append(hexadecimal: self)
        return buffer.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
}
