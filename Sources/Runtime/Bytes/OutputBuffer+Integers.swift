/// Whole numbers as decimal digits, without a `String` in between.
extension OutputBuffer {
    /// Appends a number in decimal.
    @inline(__always)
    package mutating func append(decimal value: Int64) {
        if value < 0 { append(UInt8(ascii: "-")) }
        append(decimal: value.magnitude)
    }

    /// Appends a number in decimal.
    package mutating func append(decimal value: UInt64) {
        if value < 10 {
            append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value))
        } else {
            append(digits: value, count: Self.digitCount(value))
        }
    }

    /// Appends exactly `count` digits: leading zeros if the number is shorter, the lowest digits if it is longer.
    @inline(__always)
    package mutating func append(digits value: UInt64, count: Int) {
        let pairs = Self.digitPairs.utf8Start
        append(length: count) { digits in
            var rest = value
            var position = count
            while position >= 2 {
                let (quotient, pair) = rest.quotientAndRemainder(dividingBy: 100)
                rest = quotient
                position -= 2
                let text = UnsafeRawPointer(pairs).loadUnaligned(fromByteOffset: Int(pair) * 2, as: UInt16.self)
                digits.storeBytes(of: text, toByteOffset: position, as: UInt16.self)
            }
            if position == 1 {
                digits[0] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
            }
        }
    }

    /// How many decimal digits a number has; one for zero.
    @inline(__always)
    static func digitCount(_ value: UInt64) -> Int {
        // 1233 / 4096 is close enough to log10(2) for 64 bits; the estimate is at most one too high, which the
        // comparison fixes.
        let estimate = ((64 - (value | 1).leadingZeroBitCount) * 1233) >> 12
        return value < powerOfTen(estimate) ? max(estimate, 1) : estimate + 1
    }

    /// 10 to the power of 0…19.
    @inline(__always)
    package static func powerOfTen(_ exponent: Int) -> UInt64 {
        switch exponent {
        case 0: 1
        case 1: 10
        case 2: 100
        case 3: 1_000
        case 4: 10_000
        case 5: 100_000
        case 6: 1_000_000
        case 7: 10_000_000
        case 8: 100_000_000
        case 9: 1_000_000_000
        case 10: 10_000_000_000
        case 11: 100_000_000_000
        case 12: 1_000_000_000_000
        case 13: 10_000_000_000_000
        case 14: 100_000_000_000_000
        case 15: 1_000_000_000_000_000
        case 16: 10_000_000_000_000_000
        case 17: 100_000_000_000_000_000
        case 18: 1_000_000_000_000_000_000
        default: 10_000_000_000_000_000_000
        }
    }

    /// "00", "01", … "99" one after the other: two digits for one division. A `StaticString` because it is a constant
    /// in the binary, where an array would be an object with a reference count.
    private static var digitPairs: StaticString {
        """
        00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960616263646566\
        6768697071727374757677787980818283848586878889909192939495969798990
        """
    }
}
