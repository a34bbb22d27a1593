import Runtime

/// A value as MongoDB's indexes see it, in a collection with the simple collation: two are equal exactly if a unique
/// index takes them for duplicates, and an `_id` finds the other.
///
/// This is the one place that says what is equal. Keys of records (``JSONMode/key``) and ``CanonicalBSON`` write the
/// same form.
package struct BSONIdentity: Sendable {
    /// The one form of all values that are equal to this one.
    package let value: BSONValue

    package init(_ value: BSONValue) { self.value = value.canonical }
}

extension BSONIdentity: Hashable {
    package static func == (one: BSONIdentity, other: BSONIdentity) -> Bool {
        switch (one.value, other.value) {
        case (.int32(let one), .int32(let other)): one == other
        case (.int64(let one), .int64(let other)): one == other
        // There is one NaN, and one zero, which is an int32.
        case (.double(let one), .double(let other)): one.bitPattern == other.bitPattern
        case (.decimal128(let one), .decimal128(let other)): one == other
        // Swift takes two texts for equal that people read alike.
        case (.string(let one), .string(let other)): one.utf8.elementsEqual(other.utf8)
        case (.objectID(let one), .objectID(let other)): one == other
        case (.date(let one), .date(let other)): one == other
        case (.binary(let oneType, let one), .binary(let otherType, let other)): oneType == otherType && one == other
        default: one.value.type == other.value.type && one.bytes == other.bytes
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch value {
        case .int32(let value): hasher.combine(value)
        case .int64(let value): hasher.combine(value)
        case .double(let value): hasher.combine(value.bitPattern)
        case .decimal128(let value): hasher.combine(value)
        case .string(var text): text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        case .objectID(let id): hasher.combine(id)
        case .date(let milliseconds): hasher.combine(milliseconds)
        case .binary(_, let bytes): hasher.combine(bytes)
        default: hasher.combine(bytes)
        }
    }

    /// Of the value alone, with an empty key.
    private var bytes: [UInt8] { BSONDocument(fields: [("", value)]).bytes }
}

extension BSONValue {
    fileprivate var canonical: BSONValue {
        switch self {
        case .int32: self
        case .int64(let value): CanonicalNumber(value).value
        case .double(let value): CanonicalNumber(value).value
        case .decimal128(let value): CanonicalNumber(value).value
        case .symbol(let text): .string(text)
        case .document, .array, .javascriptWithScope: BSONDocument(fields: [("", self)]).canonicalValue ?? self
        default: self
        }
    }
}

extension BSONDocument {
    /// The first field's value in its one form; nil if it is malformed inside, and equal to nothing but its own bytes
    /// then.
    fileprivate var canonicalValue: BSONValue? {
        let span = bytes.span.bytes
        var buffer = OutputBuffer(capacity: bytes.count + 64)
        buffer.append(int32: 0)
        guard var cursor = try? BSONCursor(document: span), let element = try? cursor.next(in: span),
            (try? CanonicalBSON.write(element, of: span, into: &buffer)) != nil
        else { return nil }
        buffer.append(0 as UInt8)
        buffer.setLength(at: 0)
        return buffer.withUnsafeBytes { try? BSONDocument(copying: $0) }?[""]
    }
}

// MARK: Order

extension BSONIdentity: Comparable {
    /// The server's order of what identifies things: numbers, texts by their bytes, binaries, ObjectIds, booleans,
    /// dates; anything else after them, in some order.
    ///
    /// Numbers are compared as the nearest doubles first; those that share one as whole numbers, or as decimals are
    /// written.
    package static func < (one: BSONIdentity, other: BSONIdentity) -> Bool {
        let (left, right) = (one.value, other.value)
        guard left.rank == right.rank else { return left.rank < right.rank }
        switch (left, right) {
        case (.string(let left), .string(let right)): return left.utf8.lexicographicallyPrecedes(right.utf8)
        case (.binary(let leftType, let left), .binary(let rightType, let right)):
            if left.count != right.count { return left.count < right.count }
            return leftType != rightType ? leftType < rightType : left.lexicographicallyPrecedes(right)
        case (.objectID(let left), .objectID(let right)): return (left.high, left.low) < (right.high, right.low)
        case (.boolean(let left), .boolean(let right)): return !left && right
        case (.date(let left), .date(let right)): return left < right
        default: break
        }
        if let leftNumber = left.nearestDouble, let rightNumber = right.nearestDouble {
            // NaN is less than every number.
            if leftNumber.isNaN || rightNumber.isNaN { return leftNumber.isNaN && !rightNumber.isNaN }
            if leftNumber != rightNumber { return leftNumber < rightNumber }
            if let left = left.int64Value, let right = right.int64Value { return left < right }
        }
        return one.bytes.lexicographicallyPrecedes(other.bytes)
    }
}

extension BSONValue {
    fileprivate var rank: Int {
        switch self {
        case .int32, .int64, .double, .decimal128: 0
        case .string: 1
        case .binary: 2
        case .objectID: 3
        case .boolean: 4
        case .date: 5
        default: 6
        }
    }

    fileprivate var nearestDouble: Double? {
        if case .decimal128(let decimal) = self { Double(decimal.description) } else { doubleValue }
    }
}
