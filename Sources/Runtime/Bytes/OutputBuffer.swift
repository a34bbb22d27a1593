/// Bytes under construction: owned memory that grows, and that is used again for the next record.
///
/// A value of this type has exactly one owner and is passed `inout`, so an append is a bounds check and a store: no
/// reference counting, no exclusivity check, no uniqueness check. After the first records it has its final size, and
/// appending allocates nothing.
///
/// This is the one place of unsafe memory in the encoder. Why it is safe: `base` is memory that only this value knows,
/// of `capacity` bytes, allocated in `init` or `grow` and freed in `grow` or `deinit`; it is not copyable, so nobody
/// frees it twice or writes to freed memory. Every method that writes first makes room for what it writes, and nothing
/// outside this file sees the pointer, except for the time of a `withUnsafeBytes` call. All of `0..<count` has been
/// written, because `count` only ever moves over bytes just written, or back.
public struct OutputBuffer: ~Copyable {
    // An append is a part of the encoders' loops in other modules, so it is inlined there. Swift does that for what is
    // public, and not for what `package` shows: hence the few public declarations here and in `RawSpan+LittleEndian`.
    @usableFromInline var base: UnsafeMutableRawPointer
    @usableFromInline var capacity: Int
    @usableFromInline var end = 0

    /// How many bytes are in the buffer.
    @inlinable @inline(__always) public var count: Int { end }

    /// An empty buffer with room for `capacity` bytes.
    package init(capacity: Int) {
        self.capacity = max(capacity, 64)
        base = .allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit {
        base.deallocate()
    }

    package var isEmpty: Bool { count == 0 }

    /// Bytes of memory held, used or not.
    package var allocatedBytes: Int { capacity }

    /// Forgets the contents and keeps the memory.
    package mutating func removeAll() {
        end = 0
    }

    /// Forgets the contents, and gives memory back if more than `limit` bytes are held: one giant document should not
    /// cost its size for ever.
    package mutating func reset(keepingCapacity limit: Int = 1 << 20) {
        end = 0
        guard capacity > limit else { return }
        base.deallocate()
        capacity = max(limit, 64)
        base = .allocate(byteCount: capacity, alignment: 16)
    }

    /// Forgets all bytes from `newCount` on. More than there are is none.
    @inlinable
    public mutating func truncate(to newCount: Int) {
        end = min(end, max(newCount, 0))
    }

    /// Makes room for `additional` more bytes.
    @inlinable @inline(__always)
    public mutating func reserve(_ additional: Int) {
        if capacity - end < additional { grow(by: additional) }
    }

    @usableFromInline @inline(never)
    mutating func grow(by additional: Int) {
        let larger = max(capacity * 2, count + additional)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
        memory.copyMemory(from: base, byteCount: count)
        base.deallocate()
        base = memory
        capacity = larger
    }

    /// Appends a byte.
    @inlinable @inline(__always)
    public mutating func append(_ byte: UInt8) {
        reserve(1)
        base.storeBytes(of: byte, toByteOffset: end, as: UInt8.self)
        end &+= 1
    }

    /// Appends a literal.
    @inlinable @inline(__always)
    public mutating func append(_ text: StaticString) {
        let length = text.utf8CodeUnitCount
        reserve(length)
        (base + end).copyMemory(from: text.utf8Start, byteCount: length)
        end &+= length
    }

    /// Appends bytes.
    @inlinable
    public mutating func append(contentsOf bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        reserve(bytes.count)
        (base + end).copyMemory(from: source, byteCount: bytes.count)
        end &+= bytes.count
    }

    /// Appends bytes.
    @inlinable
    public mutating func append(contentsOf bytes: RawSpan) {
        bytes.withUnsafeBytes { append(contentsOf: $0) }
    }

    /// Appends a part of some bytes.
    @inlinable
    public mutating func append(contentsOf bytes: RawSpan, in range: Range<Int>) {
        append(contentsOf: bytes.extracting(range))
    }

    package mutating func append(contentsOf bytes: [UInt8]) {
        bytes.withUnsafeBytes { append(contentsOf: $0) }
    }

    /// Appends a string's UTF-8 as it is, without quotes or escapes. For text off the hot path.
    package mutating func append(utf8Of text: String) {
        var text = text
        text.withUTF8 { append(contentsOf: UnsafeRawBufferPointer($0)) }
    }

    /// Appends the low `length` bytes of a word, lowest first. All eight are stored and the rest is overwritten by what
    /// comes next: one store, whatever the length.
    @inlinable @inline(__always)
    public mutating func append(word: UInt64, length: Int) {
        precondition(0...8 ~= length)
        reserve(8)
        base.storeBytes(of: word.littleEndian, toByteOffset: end, as: UInt64.self)
        end &+= length
    }

    /// Appends 32 bytes, lowest first.
    @inlinable @inline(__always)
    public mutating func append(chunk: SIMD4<UInt64>) {
        reserve(32)
        // BSON and these machines are little-endian; elsewhere each word is turned round.
        var chunk = chunk
        for index in 0..<4 { chunk[index] = chunk[index].littleEndian }
        base.storeBytes(of: chunk, toByteOffset: end, as: SIMD4<UInt64>.self)
        end &+= 32
    }

    /// Calls `body` with room for `length` bytes at the end of the buffer. The closure fills all of them.
    @inlinable @inline(__always)
    public mutating func append(length: Int, filledBy body: (UnsafeMutableRawBufferPointer) -> Void) {
        reserve(length)
        body(UnsafeMutableRawBufferPointer(start: base + end, count: length))
        end &+= length
    }

    /// Calls `body` with room for `limit` bytes at the end of the buffer. It gives back how many, from the first one
    /// on, it has filled.
    @inlinable @inline(__always)
    public mutating func append(upTo limit: Int, filledBy body: (UnsafeMutableRawBufferPointer) -> Int) {
        reserve(limit)
        let length = body(UnsafeMutableRawBufferPointer(start: base + end, count: limit))
        precondition(0...limit ~= length)
        end &+= length
    }

    /// Makes an `E` of the `e` that a number may have near its end.
    package mutating func uppercaseExponent(from start: Int) {
        // At most three digits and a sign follow it.
        for position in max(start, count - 5)..<count where base.load(fromByteOffset: position, as: UInt8.self) == UInt8(ascii: "e") {
            base.storeBytes(of: UInt8(ascii: "E"), toByteOffset: position, as: UInt8.self)
        }
    }

    /// Inserts the same byte `number` times before the byte at `position`.
    package mutating func insert(_ byte: UInt8, count number: Int, at position: Int) {
        precondition(number >= 0 && 0...count ~= position)
        reserve(number)
        (base + position + number).copyMemory(from: base + position, byteCount: count - position)
        (base + position).initializeMemory(as: UInt8.self, repeating: byte, count: number)
        end += number
    }

    /// Puts a backslash before each quote and each backslash from `start` on, in place: JSON becomes the inside of a
    /// JSON string. Other characters that a string cannot have are none in JSON.
    package mutating func escapeQuotes(from start: Int) {
        precondition(0...count ~= start)
        func isSpecial(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") }
        var rest = 0
        for position in start..<count where isSpecial(base.load(fromByteOffset: position, as: UInt8.self)) { rest += 1 }
        reserve(rest)
        var (position, runEnd) = (count, count)
        end += rest
        // From the back, each run between two of them moves once, to its final place.
        while rest > 0 {
            position -= 1
            guard isSpecial(base.load(fromByteOffset: position, as: UInt8.self)) else { continue }
            (base + position + rest).copyMemory(from: base + position, byteCount: runEnd - position)
            rest -= 1
            base.storeBytes(of: UInt8(ascii: "\\"), toByteOffset: position + rest, as: UInt8.self)
            runEnd = position
        }
    }

    /// Replaces four bytes that are already there.
    package mutating func overwrite(int32 value: Int32, at position: Int) {
        precondition(position >= 0 && position <= count - 4)
        base.storeBytes(of: value.littleEndian, toByteOffset: position, as: Int32.self)
    }

    /// The buffer's bytes, for the time of the call.
    @inlinable
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: base, count: end))
    }

    /// A copy of the buffer's bytes.
    package func bytes() -> [UInt8] {
        withUnsafeBytes { Array($0) }
    }
}

// The memory belongs to this value alone and is touched only through it, and the value has one owner at a time, on
// whichever thread.
extension OutputBuffer: @unchecked Sendable {}
