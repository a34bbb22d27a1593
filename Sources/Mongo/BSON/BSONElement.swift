import Runtime

/// One element of a BSON document, as offsets into the document's bytes. Made by ``BSONCursor``, which has checked the
/// offsets; valid for those bytes only.
package struct BSONElement: Sendable, Equatable {
    package let type: BSONType

    /// The key, without its terminating zero byte.
    package let key: Range<Int>

    /// The value in full: for a string that includes its length field and its terminator, for a document all of it.
    package let value: Range<Int>

    init(type: BSONType, key: Range<Int>, value: Range<Int>) {
        self.type = type
        self.key = key
        self.value = value
    }
}

/// Reading an element's value. Every accessor gives nil if the element is of another type; none allocates, except those
/// that make a `String`.
extension BSONElement {
    /// Whether the key is this one.
    @inline(__always)
    package func keyEquals(_ name: StaticString, in bytes: RawSpan) -> Bool {
        let count = name.utf8CodeUnitCount
        let start = key.lowerBound
        guard key.upperBound &- start == count else { return false }
        let text = UnsafeRawBufferPointer(start: name.utf8Start, count: count)
        func isEqual<Word: FixedWidthInteger & BitwiseCopyable>(at offset: Int, _: Word.Type) -> Bool {
            text.loadUnaligned(fromByteOffset: offset, as: Word.self)
                == bytes.unsafeLoadUnaligned(fromByteOffset: start + offset, as: Word.self)
        }
        // Most keys are two words or less; the last one overlaps the one before it.
        if count >= 8 {
            var offset = 0
            while offset < count - 8 {
                guard isEqual(at: offset, UInt64.self) else { return false }
                offset += 8
            }
            return isEqual(at: count - 8, UInt64.self)
        }
        if count >= 4 { return isEqual(at: 0, UInt32.self) && isEqual(at: count - 4, UInt32.self) }
        for index in 0..<count where text[index] != bytes.byte(at: start + index) { return false }
        return true
    }

    /// The key as a `String`. Bytes that are not UTF-8 become U+FFFD.
    package func keyText(in bytes: RawSpan) -> String {
        bytes.text(key)
    }

    package func int32(in bytes: RawSpan) -> Int32? {
        type == .int32 ? bytes.int32(at: value.lowerBound) : nil
    }

    package func int64(in bytes: RawSpan) -> Int64? {
        type == .int64 ? Int64(bitPattern: bytes.uint64(at: value.lowerBound)) : nil
    }

    /// A whole number, whichever numeric type holds it: an int32, an int64, or a double without a fraction. The server
    /// and its tools are not consistent about which one they send.
    package func integer(in bytes: RawSpan) -> Int64? {
        switch type {
        case .int32: Int64(bytes.int32(at: value.lowerBound))
        case .int64: Int64(bitPattern: bytes.uint64(at: value.lowerBound))
        case .double: Int64(whole: Double(bitPattern: bytes.uint64(at: value.lowerBound)))
        default: nil
        }
    }

    package func double(in bytes: RawSpan) -> Double? {
        type == .double ? Double(bitPattern: bytes.uint64(at: value.lowerBound)) : nil
    }

    /// Nil also for a boolean that is neither 0 nor 1.
    package func boolean(in bytes: RawSpan) -> Bool? {
        guard type == .boolean else { return nil }
        switch bytes.byte(at: value.lowerBound) {
        case 0: return false
        case 1: return true
        default: return nil
        }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    package func date(in bytes: RawSpan) -> Int64? {
        type == .date ? Int64(bitPattern: bytes.uint64(at: value.lowerBound)) : nil
    }

    package func timestamp(in bytes: RawSpan) -> BSONTimestamp? {
        type == .timestamp ? BSONTimestamp(packed: bytes.uint64(at: value.lowerBound)) : nil
    }

    package func objectID(in bytes: RawSpan) -> BSONObjectID? {
        type == .objectID ? BSONObjectID(of: bytes, at: value.lowerBound) : nil
    }

    /// Where the text of a string (or of code without scope, or of a symbol) is, without length and terminator.
    package var text: Range<Int>? {
        switch type {
        case .string, .javascript, .symbol: value.lowerBound + 4..<value.upperBound - 1
        default: nil
        }
    }

    /// The text of a string, code or symbol. Bytes that are not UTF-8 become U+FFFD.
    package func string(in bytes: RawSpan) -> String? {
        text.map { bytes.text($0) }
    }

    /// Where a nested document or array is, its length field included: the range to walk with another cursor.
    package var document: Range<Int>? {
        type == .document || type == .array ? value : nil
    }

    /// The subtype of a binary and where its bytes are. Of the old subtype 2 the inner length is part of the bytes.
    package func binary(in bytes: RawSpan) -> (subtype: UInt8, bytes: Range<Int>)? {
        guard type == .binary else { return nil }
        return (bytes.byte(at: value.lowerBound + 4), value.lowerBound + 5..<value.upperBound)
    }
}

extension RawSpan {
    /// The bytes of a range as text, repaired where they are not UTF-8.
    func text(_ range: Range<Int>) -> String {
        extracting(range).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
}

extension Int64 {
    /// The number, if it has no fraction and fits. As `init(exactly:)`, without a call into the mathematics library.
    init?(whole value: Double) {
        guard value >= -0x1p63, value < 0x1p63 else { return nil }
        self.init(value)
        if Double(self) != value { return nil }
    }
}
