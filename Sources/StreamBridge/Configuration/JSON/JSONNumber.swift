import Mongo
import Runtime

/// A number in a JSON text that ``JSONScanner`` has checked.
struct JSONNumber {
    let range: Range<Int>
    /// Whether it is written without fraction and exponent.
    let isInteger: Bool
    /// The number if it is written without fraction and exponent and fits.
    let integer: Int64?

    func text(of bytes: RawSpan) -> String {
        bytes.extracting(range).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    /// The double that is nearest, or nil if it is not the number that is written: 0.1 is, and so is
    /// 0.10000000000000001, as which some programs write it; of 9007199254740993 and 1e-400 something would be lost in
    /// silence.
    ///
    /// A double holds what it gives back when it is written with as many digits.
    func double(of bytes: RawSpan) -> Double? {
        // Below 2^53 every whole number is exact; zero goes the long way because it may be a negative one.
        if let integer, integer != 0, integer.magnitude < 1 << 53 { return Double(integer) }
        guard let value = Double(text(of: bytes)), value.isFinite else { return nil }
        let written = DecimalDigits(writtenIn: bytes, range)
        // No two decimals of 15 digits are the same double, as long as it is not a tiny or a giant one.
        if written.count <= 15, -290...290 ~= written.exponent { return value }
        return written.count == 0 || written == DecimalDigits(of: value, count: written.count) ? value : nil
    }

    /// The number if it is whole and fits, however it is written: `4`, `4.0`, `40e-1`.
    func whole(of bytes: RawSpan) -> Int64? {
        if isInteger { return integer }
        let isNegative = bytes.byte(at: range.lowerBound) == UInt8(ascii: "-")
        let start = range.lowerBound + (isNegative ? 1 : 0)
        var end = start
        var point: Int?
        while end < range.upperBound, !Self.isExponent(bytes.byte(at: end)) {
            if bytes.byte(at: end) == UInt8(ascii: ".") { point = end }
            end += 1
        }
        // How many digits stand before the point, once the exponent has moved it.
        let kept = (point ?? end) - start + exponent(at: end, of: bytes)
        var magnitude: UInt64 = 0
        var index = 0
        for position in start..<end where position != point {
            let digit = bytes.byte(at: position) &- UInt8(ascii: "0")
            if index < kept {
                guard Self.append(digit, to: &magnitude) else { return nil }
            } else if digit != 0 {
                return nil
            }
            index += 1
        }
        while magnitude != 0, index < kept {
            guard Self.append(0, to: &magnitude) else { return nil }
            index += 1
        }
        return Self.signed(magnitude, isNegative: isNegative)
    }

    /// The exponent at `position`, if there is one. One that is larger than any record is long is as good as any other
    /// of that kind.
    private func exponent(at position: Int, of bytes: RawSpan) -> Int {
        guard position < range.upperBound else { return 0 }
        var exponent = 0
        for index in position + 1..<range.upperBound {
            let digit = bytes.byte(at: index) &- UInt8(ascii: "0")
            if digit < 10, exponent < 1 << 40 { exponent = exponent * 10 + Int(digit) }
        }
        return bytes.byte(at: position + 1) == UInt8(ascii: "-") ? -exponent : exponent
    }

    private static func isExponent(_ byte: UInt8) -> Bool { byte | 0x20 == UInt8(ascii: "e") }

    /// Appends a decimal digit, or gives false if the number gets too large.
    @inline(__always)
    static func append(_ digit: UInt8, to magnitude: inout UInt64) -> Bool {
        let (tens, isTooLarge) = magnitude.multipliedReportingOverflow(by: 10)
        let (sum, isStillTooLarge) = tens.addingReportingOverflow(UInt64(digit))
        guard !isTooLarge, !isStillTooLarge else { return false }
        magnitude = sum
        return true
    }

    /// The number with its sign, or nil if it does not fit.
    @inline(__always)
    static func signed(_ magnitude: UInt64, isNegative: Bool) -> Int64? {
        if !isNegative { return Int64(exactly: magnitude) }
        return magnitude <= Int64.min.magnitude ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil
    }
}
