/// The decimal128 specification's text of a decimal.
extension OutputBuffer {
    /// Appends a decimal: plain notation if the exponent is not positive and the number not smaller than 1E-6, scientific notation
    /// otherwise. Encodings that the standard calls non-canonical are zeros, every NaN is `NaN`.
    package mutating func append(decimal value: BSONDecimal128) {
        let combination = value.high >> 58 & 0x1F
        if combination == 0x1F {
            append("NaN")
            return
        }
        if value.high >> 63 == 1 { append(UInt8(ascii: "-")) }
        if combination == 0x1E {
            append("Infinity")
            return
        }
        // If the top two bits of the combination are set, the coefficient would begin with 100 and exceed 34 digits: a zero, by the standard.
        let isLarge = combination >> 3 == 0b11
        let exponent = Int(value.high >> (isLarge ? 47 : 49) & 0x3FFF) - 6176
        let coefficient = isLarge ? (high: 0, low: 0) : (high: value.high & 0x1_FFFF_FFFF_FFFF, low: value.low)
        append(coefficient: coefficient.high, coefficient.low, exponent: exponent)
    }

    private mutating func append(coefficient high: UInt64, _ low: UInt64, exponent: Int) {
        // Two halves of 17 digits. The quotient fits, because `high` has 49 bits and is therefore less than the divisor.
        var (upper, lower) = (100_000_000_000_000_000 as UInt64).dividingFullWidth((high, low))
        if upper >= 100_000_000_000_000_000 { (upper, lower) = (0, 0) }  // more than 34 digits: a zero as well

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
