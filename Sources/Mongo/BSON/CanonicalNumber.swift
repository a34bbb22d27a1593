import Runtime

/// A number in the one form that stands for all numbers that MongoDB compares as equal: int32 1, int64 1, double 1.0
/// and decimals 1 and 1.00 are int32 1.
///
/// The server compares numbers by their exact mathematical value, whatever type holds them, in comparisons as in
/// indexes. So equality is the equality of this form, and its hash and its text agree with the server.
package enum CanonicalNumber: Sendable {
    /// A whole number that fits, zero of either sign included.
    case int32(Int32)
    /// A whole number that fits an int64 and no int32.
    case int64(Int64)
    /// Any other number that is exactly a double; also the infinities, and the one NaN.
    case double(Double)
    /// A decimal that is exactly no double, with as few digits as it can have.
    case decimal(BSONDecimal128)

    @inline(__always)
    package init(_ value: Int64) {
        self = Int32(exactly: value).map { .int32($0) } ?? .int64(value)
    }

    @inline(__always)
    package init(_ value: Double) {
        if let whole = Int64(whole: value) {
            self.init(whole)
        } else {
            self = .double(value.isNaN ? .nan : value)
        }
    }

    package init(_ value: BSONDecimal128) {
        switch value.parts {
        case .nan: self = .double(.nan)
        case .infinity(let isNegative): self = .double(isNegative ? -.infinity : .infinity)
        case .finite(let isNegative, let coefficient, let exponent):
            self.init(isNegative: isNegative, coefficient: coefficient, exponent: exponent)
        }
    }

    /// `coefficient` times 10 to the power of `exponent`.
    private init(isNegative: Bool, coefficient: UInt128, exponent: Int) {
        guard coefficient > 0 else {
            self = .int32(0)
            return
        }
        var coefficient = coefficient
        var exponent = exponent
        // As few digits as there are; but one that is as large as a decimal can be needs its zeros.
        while exponent < BSONDecimal128.largestExponent {
            let (tenth, digit) = coefficient.quotientAndRemainder(dividingBy: 10)
            guard digit == 0 else { break }
            coefficient = tenth
            exponent += 1
        }
        if let double = Self.double(coefficient, exponent) {
            self.init(isNegative ? -double : double)
            // 2^63 is a double, and one below it is none; whole numbers of that size that are no doubles come here as
            // well.
        } else if let whole = Self.whole(isNegative: isNegative, coefficient, exponent) {
            self.init(whole)
        } else {
            self = .decimal(BSONDecimal128(isNegative: isNegative, coefficient: coefficient, exponent: exponent))
        }
    }

    /// The double that the number is exactly, or nil if there is none.
    ///
    /// A double is an odd number of at most 53 bits times a power of two. 10 to the power of e is 5 to the power of e
    /// times a power of two; so for a positive exponent the coefficient and the fives have to fit 53 bits together, and
    /// for a negative one the fives have to be in the coefficient. Powers of two cannot leave the range: with at most
    /// 34 digits there are at most 48 fives.
    private static func double(_ coefficient: UInt128, _ exponent: Int) -> Double? {
        var odd = coefficient >> UInt128(coefficient.trailingZeroBitCount)
        let twos = coefficient.trailingZeroBitCount + exponent
        guard exponent > -49, exponent < 23 else { return nil }
        for _ in 0..<max(exponent, 0) {
            guard odd < 1 << 53 else { return nil }
            odd *= 5
        }
        for _ in 0..<max(-exponent, 0) {
            let (fifth, rest) = odd.quotientAndRemainder(dividingBy: 5)
            guard rest == 0 else { return nil }
            odd = fifth
        }
        guard odd < 1 << 53 else { return nil }
        return Double(sign: .plus, exponent: twos, significand: Double(UInt64(odd)))
    }

    /// The int64 that the number is, or nil if it is none.
    private static func whole(isNegative: Bool, _ coefficient: UInt128, _ exponent: Int) -> Int64? {
        guard 0..<19 ~= exponent, coefficient < 1 << 63 else { return nil }
        var magnitude = coefficient
        for _ in 0..<exponent {
            magnitude *= 10
            guard magnitude < 1 << 63 else { return nil }
        }
        return isNegative ? -Int64(magnitude) : Int64(magnitude)
    }
}

extension CanonicalNumber {
    package var value: BSONValue {
        switch self {
        case .int32(let value): .int32(value)
        case .int64(let value): .int64(value)
        case .double(let value): .double(value)
        case .decimal(let value): .decimal128(value)
        }
    }
}

extension BSONElement {
    /// The number in its one form; nil for anything but a number.
    @inline(__always)
    func canonicalNumber(in bytes: RawSpan) -> CanonicalNumber? {
        switch type {
        case .int32: .int32(bytes.int32(at: value.lowerBound))
        case .int64: CanonicalNumber(Int64(bitPattern: bytes.uint64(at: value.lowerBound)))
        case .double: CanonicalNumber(Double(bitPattern: bytes.uint64(at: value.lowerBound)))
        case .decimal128:
            CanonicalNumber(BSONDecimal128(high: bytes.uint64(at: value.lowerBound + 8), low: bytes.uint64(at: value.lowerBound)))
        default: nil
        }
    }
}
