import Runtime

/// The decimal128 specification's text of a decimal.
extension OutputBuffer {
    /// Appends a decimal: plain notation if the exponent is not positive and the number not smaller than 1E-6,
    /// scientific notation otherwise. Every NaN is `NaN`.
    package mutating func append(decimal value: BSONDecimal128) {
        switch value.parts {
        case .nan: append("NaN")
        case .infinity(let isNegative):
            if isNegative { append(UInt8(ascii: "-")) }
            append("Infinity")
        case .finite(let isNegative, let coefficient, let exponent):
            if isNegative { append(UInt8(ascii: "-")) }
            append(coefficient: coefficient, exponent: exponent)
        }
    }

    private mutating func append(coefficient: UInt128, exponent: Int) {
        // Two halves of 17 digits. The quotient fits, because a coefficient has at most 34 digits.
        let (upper, lower) = (100_000_000_000_000_000 as UInt64).dividingFullWidth(
            (UInt64(coefficient >> 64), UInt64(truncatingIfNeeded: coefficient)))

        let start = count
        if upper > 0 {
            append(decimal: upper)
            append(digits: lower, count: 17)
        } else {
            append(decimal: lower)
        }
        let digits = count - start
        let adjusted = exponent + digits - 1
        if exponent > 0 || adjusted < -6 {
            if digits > 1 { insertPoint(at: start + 1) }
            append(UInt8(ascii: "E"))
            append(adjusted < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
            append(decimal: UInt64(adjusted.magnitude))
        } else if exponent < 0 {
            let zeros = 1 - exponent - digits
            if zeros > 0 { insertZeros(zeros, at: start) }
            insertPoint(at: count + exponent)
        }
    }

    private mutating func insertPoint(at position: Int) {
        insert(UInt8(ascii: "."), count: 1, at: position)
    }

    private mutating func insertZeros(_ zeros: Int, at position: Int) {
        insert(UInt8(ascii: "0"), count: zeros, at: position)
    }
}
