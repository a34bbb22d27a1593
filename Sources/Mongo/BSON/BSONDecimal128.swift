import Runtime

/// The 128 bits of an IEEE 754-2008 decimal, binary integer encoding, as BSON stores them. No arithmetic: it is read,
/// kept and written.
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

/// What the bits stand for.
extension BSONDecimal128 {
    package enum Parts: Sendable, Equatable {
        case nan
        case infinity(isNegative: Bool)
        /// `coefficient` times 10 to the power of `exponent`.
        case finite(isNegative: Bool, coefficient: UInt128, exponent: Int)
    }

    package static let largestExponent = 6111
    private static let bias = 6176
    /// Of 34 digits.
    private static let largestCoefficient: UInt128 = 9_999_999_999_999_999_999_999_999_999_999_999

    /// Encodings that the standard calls non-canonical are zeros.
    package var parts: Parts {
        let combination = high >> 58 & 0x1F
        let isNegative = high >> 63 == 1
        if combination == 0x1F { return .nan }
        if combination == 0x1E { return .infinity(isNegative: isNegative) }
        // If the top two bits of the combination are set, the coefficient would begin with 100 and exceed 34 digits: a
        // zero, by the standard.
        let isLarge = combination >> 3 == 0b11
        let exponent = Int(high >> (isLarge ? 47 : 49) & 0x3FFF) - Self.bias
        let coefficient = isLarge ? 0 : UInt128(high & 0x1_FFFF_FFFF_FFFF) << 64 | UInt128(low)
        return .finite(isNegative: isNegative, coefficient: coefficient > Self.largestCoefficient ? 0 : coefficient, exponent: exponent)
    }

    /// - Precondition: at most 34 digits, and an exponent from -6176 to 6111.
    init(isNegative: Bool, coefficient: UInt128, exponent: Int) {
        precondition(coefficient <= Self.largestCoefficient && -Self.bias...Self.largestExponent ~= exponent)
        self.init(
            high: (isNegative ? 1 << 63 : 0) | UInt64(exponent + Self.bias) << 49 | UInt64(coefficient >> 64),
            low: UInt64(truncatingIfNeeded: coefficient))
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
