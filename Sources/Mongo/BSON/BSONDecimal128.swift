/// The 128 bits of an IEEE 754-2008 decimal, binary integer encoding, as BSON stores them. No arithmetic: it is read, kept and written.
package struct BSONDecimal128: Sendable, Hashable {
    /// Sign, exponent, and the top 49 bits of the coefficient.
    package let high: UInt64

    /// The low 64 bits of the coefficient.
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

extension BSONDecimal128: CustomStringConvertible {
    /// The scientific string of the decimal128 specification: `1.50`, `1E+3`, `-Infinity`, `NaN`.
    package var description: String {
        var buffer = OutputBuffer(capacity: 48)
        buffer.append(decimal: self)
        return buffer.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
}
