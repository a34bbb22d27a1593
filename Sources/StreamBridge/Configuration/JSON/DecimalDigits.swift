import Foundation
import Mongo

/// The digits of a decimal number, without zeros around them, and its size: 0.0250 is 25 and -2, as in 2.5e-2.
struct DecimalDigits: Equatable {
    /// The values of the digits.
    private let digits: [UInt8]
    /// The power of ten of the first digit; 0 for zero.
    let exponent: Int

    /// How many there are; none for zero.
    var count: Int { digits.count }

    /// More than any program writes.
    private static let maximum = 400

    /// Of a number in a JSON text that ``JSONScanner`` has checked.
    init(writtenIn bytes: RawSpan, _ range: Range<Int>) {
        self = bytes.extracting(range).withUnsafeBytes { DecimalDigits($0) }
    }

    /// A finite number, rounded to `count` digits.
    init(of value: Double, count: Int) {
        self.init(String(format: "%.\(min(max(count, 1), Self.maximum) - 1)e", value).utf8)
    }

    /// - Parameter text: a number as JSON writes it.
    private init(_ text: some Sequence<UInt8>) {
        var digits: [UInt8] = []
        var zeros = 0
        // Digits of the mantissa before the point, and zeros behind it before the first digit, which count down.
        var place = 0
        var isBehindPoint = false
        var power: Int?
        var isNegativePower = false
        for byte in text {
            let digit = byte &- UInt8(ascii: "0")
            if let value = power {
                if digit < 10 { power = min(value * 10 + Int(digit), 1 << 40) }
                if byte == UInt8(ascii: "-") { isNegativePower = true }
            } else if digit < 10 {
                if digits.isEmpty, digit == 0 {
                    if isBehindPoint { place -= 1 }
                    continue
                }
                if !isBehindPoint { place += 1 }
                // Zeros count only when a digit follows them.
                if digit == 0 {
                    zeros += 1
                } else if digits.count <= Self.maximum {
                    digits += [UInt8](repeating: 0, count: min(zeros, Self.maximum)) + [digit]
                    zeros = 0
                }
            } else if byte == UInt8(ascii: ".") {
                isBehindPoint = true
            } else if byte | 0x20 == UInt8(ascii: "e") {
                power = 0
            }
        }
        self.digits = digits
        exponent = digits.isEmpty ? 0 : place - 1 + (isNegativePower ? -(power ?? 0) : power ?? 0)
    }
}
