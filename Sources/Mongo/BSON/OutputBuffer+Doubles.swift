import Runtime

/// Floating-point numbers as the shortest decimal text that reads back as the same number.
extension OutputBuffer {
    /// Appends a finite number. The text always has a fraction or an exponent, so that a reader takes it for a
    /// floating-point number again: `1.0`, `0.1`, `-0.0`, `1.5E+300`. The upper-case `E` is the one of the Extended
    /// JSON specification's examples.
    ///
    /// Whole numbers and numbers with few decimals (quantities, prices, coordinates) take exact short cuts; the rest
    /// goes through Swift's own formatter, which gives the same text.
    package mutating func append(finite value: Double) {
        let magnitude = value.magnitude
        if magnitude < 9_007_199_254_740_992 {  // 2 to the power of 53: below it every whole number is exact.
            let whole = Int64(magnitude)
            if Double(whole) == magnitude {
                if value.sign == .minus { append(UInt8(ascii: "-")) }
                append(decimal: UInt64(whole))
                append(".0")
                return
            }
            if magnitude >= 1e-4, appendDecimal(magnitude, negative: value < 0) { return }
        }
        appendShortest(value)
    }

    /// Appends a number that is `digits / 10^k` with at most 15 digits, or gives false.
    ///
    /// Why the result is right: `digits` and `10^k` are exact as doubles, so their quotient is correctly rounded, and
    /// if it equals the number then the text reads back as the number. No two decimals of 15 digits are the same
    /// double, so no shorter or closer text of up to 15 digits exists once trailing zeros are gone.
    @inline(__always)
    private mutating func appendDecimal(_ magnitude: Double, negative: Bool) -> Bool {
        if magnitude < 1e6 { return appendDecimal(magnitude, negative: negative, scale: 1e9, places: 9) }
        if magnitude < 1e11 { return appendDecimal(magnitude, negative: negative, scale: 1e4, places: 4) }
        return false
    }

    @inline(__always)
    private mutating func appendDecimal(_ magnitude: Double, negative: Bool, scale: Double, places: Int) -> Bool {
        // Below 2^53 the conversion back is exact. Should this round the wrong way, the comparison fails and nothing
        // worse happens.
        let scaled = Int64(magnitude * scale + 0.5)
        guard Double(scaled) / scale == magnitude else { return false }
        var digits = UInt64(scaled)
        var places = places
        if digits % 10_000 == 0 { (digits, places) = (digits / 10_000, places - 4) }
        if digits % 100 == 0 { (digits, places) = (digits / 100, places - 2) }
        while digits % 10 == 0 { (digits, places) = (digits / 10, places - 1) }
        let power = Self.powerOfTen(places)
        let (whole, fraction) = digits.quotientAndRemainder(dividingBy: power)
        if negative { append(UInt8(ascii: "-")) }
        append(decimal: whole)
        append(UInt8(ascii: "."))
        append(digits: fraction, count: places)
        return true
    }

    @inline(never)
    private mutating func appendShortest(_ value: Double) {
        let start = count
        append(upTo: DoubleText.maximumCount) { memory in
            var text = DoubleText(memory: memory)
            value.write(to: &text)
            return text.count
        }
        uppercaseExponent(from: start)
    }
}

/// Takes the text of a floating-point number from the standard library, which hands out the characters without making a
/// `String`, and puts it where it belongs. Lives for the time of one call that lends it the memory.
private struct DoubleText: TextOutputStream {
    /// The longest text, `-2.2250738585072014e-308`, has 24 characters.
    static let maximumCount = 32

    let memory: UnsafeMutableRawBufferPointer
    var count = 0

    mutating func _writeASCII(_ buffer: UnsafeBufferPointer<UInt8>) {
        append(UnsafeRawBufferPointer(buffer))
    }

    mutating func write(_ string: String) {
        var string = string
        string.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    private mutating func append(_ characters: UnsafeRawBufferPointer) {
        precondition(characters.count <= memory.count - count)
        UnsafeMutableRawBufferPointer(rebasing: memory[count...]).copyMemory(from: characters)
        count += characters.count
    }
}
