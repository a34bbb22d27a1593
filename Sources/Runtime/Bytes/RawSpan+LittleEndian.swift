/// Loads of the little-endian numbers that BSON is made of. Each is bounds-checked by `RawSpan`; callers check lengths
/// first, so a check here can only fail on a mistake of ours, never on bytes from outside.
extension RawSpan {
    /// One byte.
    @inlinable @inline(__always)
    public func byte(at offset: Int) -> UInt8 {
        unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    /// Four bytes, as a signed number.
    @inlinable @inline(__always)
    public func int32(at offset: Int) -> Int32 {
        Int32(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: Int32.self))
    }

    /// Four bytes.
    @inlinable @inline(__always)
    public func uint32(at offset: Int) -> UInt32 {
        UInt32(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// Eight bytes.
    @inlinable @inline(__always)
    public func uint64(at offset: Int) -> UInt64 {
        UInt64(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// The offset of the first zero byte at or after `start` and before `end`.
    ///
    /// Looks at eight bytes at a time: a byte is zero exactly if subtracting one borrows out of its top bit and the bit
    /// was not set before. A borrow can run on into higher bytes, so only the lowest hit counts, and that is the one we
    /// want.
    @inlinable @inline(__always)
    public func firstZero(from start: Int, before end: Int) -> Int? {
        var position = start
        let lastWord = byteCount - 8
        while position < end {
            if position <= lastWord {
                let word = uint64(at: position)
                let hits = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
                if hits != 0 {
                    let found = position + hits.trailingZeroBitCount >> 3
                    return found < end ? found : nil
                }
                position += 8
            } else {
                if byte(at: position) == 0 { return position }
                position += 1
            }
        }
        return nil
    }
}
