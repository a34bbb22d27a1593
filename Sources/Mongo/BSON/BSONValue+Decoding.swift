import Runtime

/// From bytes to values.
extension BSONValue {
    /// Decodes an element's value, arrays deeply, documents as their bytes. Text that is not UTF-8 is an error.
    package init(_ element: BSONElement, of bytes: RawSpan) throws(BSONError) {
        try self.init(element, of: bytes, depth: 1)
    }

    private init(_ element: BSONElement, of bytes: RawSpan, depth: Int) throws(BSONError) {
        let value = element.value
        let start = value.lowerBound
        switch element.type {
        case .double: self = .double(Double(bitPattern: bytes.uint64(at: start)))
        case .string: self = .string(try bytes.checkedText(start + 4..<value.upperBound - 1))
        case .javascript: self = .javascript(try bytes.checkedText(start + 4..<value.upperBound - 1))
        case .symbol: self = .symbol(try bytes.checkedText(start + 4..<value.upperBound - 1))
        case .document: self = .document(try BSONDocument(copying: bytes, in: value))
        case .array: self = .array(try Self.elements(of: bytes, at: start, depth: depth))
        case .binary: self = .binary(subtype: bytes.byte(at: start + 4), bytes: bytes.copy(start + 5..<value.upperBound))
        case .undefined: self = .undefined
        case .objectID: self = .objectID(BSONObjectID(of: bytes, at: start))
        case .boolean:
            guard let boolean = element.boolean(in: bytes) else { throw BSONError(.invalidBoolean(bytes.byte(at: start)), at: start) }
            self = .boolean(boolean)
        case .date: self = .date(milliseconds: Int64(bitPattern: bytes.uint64(at: start)))
        case .null: self = .null
        case .regularExpression: self = try Self.regularExpression(value, of: bytes)
        case .dbPointer:
            let id = value.upperBound - 12
            self = .dbPointer(namespace: try bytes.checkedText(start + 4..<id - 1), id: BSONObjectID(of: bytes, at: id))
        case .javascriptWithScope:
            let parts = try CodeWithScope(value, of: bytes)
            self = .javascriptWithScope(try bytes.checkedText(parts.code), scope: try BSONDocument(copying: bytes, in: parts.scope))
        case .int32: self = .int32(bytes.int32(at: start))
        case .timestamp: self = .timestamp(BSONTimestamp(packed: bytes.uint64(at: start)))
        case .int64: self = .int64(Int64(bitPattern: bytes.uint64(at: start)))
        case .decimal128: self = .decimal128(BSONDecimal128(high: bytes.uint64(at: start + 8), low: bytes.uint64(at: start)))
        case .minKey: self = .minKey
        case .maxKey: self = .maxKey
        }
    }

    private static func elements(of bytes: RawSpan, at offset: Int, depth: Int) throws(BSONError) -> [BSONValue] {
        guard depth <= ExtendedJSON.maximumDepth else { throw BSONError(.nestedTooDeep, at: offset) }
        var values: [BSONValue] = []
        var cursor = try BSONCursor(document: bytes, at: offset)
        while let element = try cursor.next(in: bytes) {
            values.append(try BSONValue(element, of: bytes, depth: depth + 1))
        }
        return values
    }

    private static func regularExpression(_ value: Range<Int>, of bytes: RawSpan) throws(BSONError) -> BSONValue {
        let end = value.upperBound - 1
        guard let patternEnd = bytes.firstZero(from: value.lowerBound, before: end) else {
            throw BSONError(.missingTerminator, at: value.lowerBound)
        }
        return .regularExpression(
            pattern: try bytes.checkedText(value.lowerBound..<patternEnd), options: try bytes.checkedText(patternEnd + 1..<end))
    }
}

extension BSONObjectID {
    /// The ObjectId whose 12 bytes begin at an offset.
    @inline(__always)
    init(of bytes: RawSpan, at offset: Int) {
        self.init(high: bytes.uint64(at: offset).byteSwapped, low: bytes.uint32(at: offset + 8).byteSwapped)
    }
}

/// Where the parts of a code with scope are. The cursor has checked the length around both; what it has not looked at
/// is checked here.
struct CodeWithScope {
    /// The text, without length and terminator.
    let code: Range<Int>

    /// The document.
    let scope: Range<Int>

    init(_ value: Range<Int>, of bytes: RawSpan) throws(BSONError) {
        let lengthField = value.lowerBound + 4
        let start = value.lowerBound + 8
        let length = Int(bytes.int32(at: lengthField))
        guard length >= 1, length <= value.upperBound - start - 5 else { throw BSONError(.invalidLength, at: lengthField) }
        let end = start + length
        guard bytes.byte(at: end - 1) == 0 else { throw BSONError(.missingTerminator, at: end - 1) }
        guard Int(bytes.int32(at: end)) == value.upperBound - end else { throw BSONError(.invalidLength, at: end) }
        code = start..<end - 1
        scope = end..<value.upperBound
    }
}

extension RawSpan {
    /// A copy of the bytes of a range.
    func copy(_ range: Range<Int>) -> [UInt8] {
        extracting(range).withUnsafeBytes { Array($0) }
    }

    /// The bytes of a range as text, which they must be.
    func checkedText(_ range: Range<Int>) throws(BSONError) -> String {
        let text = extracting(range).withUnsafeBytes { String(validating: $0, as: UTF8.self) }
        guard let text else { throw BSONError(.invalidUTF8, at: range.lowerBound) }
        return text
    }
}
