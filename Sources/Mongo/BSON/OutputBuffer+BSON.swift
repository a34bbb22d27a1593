import Runtime

/// Writing BSON, for commands and for tests. Keys and cstrings must not contain U+0000, which is checked.
extension OutputBuffer {
    /// Appends a document whose elements `body` appends.
    package mutating func appendDocument(_ body: (inout OutputBuffer) -> Void) {
        let start = count
        append(int32: 0)
        body(&self)
        append(0 as UInt8)
        setLength(at: start)
    }

    /// Writes how many bytes there are from `start` on into the four bytes at `start`.
    package mutating func setLength(at start: Int) {
        precondition(count - start <= Int(Int32.max), "a document cannot be larger than 2 GiB")
        overwrite(int32: Int32(count - start), at: start)
    }

    package mutating func appendElement(_ key: String, _ value: BSONValue) {
        append(value.type.rawValue)
        append(cString: key)
        append(value)
    }

    /// Appends an array of values as they are, whatever is in them.
    ///
    /// - Parameter elements: of each the type's byte and the value's bytes.
    package mutating func appendArray(_ key: String, of elements: [[UInt8]]) {
        append(BSONType.array.rawValue)
        append(cString: key)
        appendDocument {
            for (index, element) in elements.enumerated() {
                guard let type = element.first else { continue }
                $0.append(type)
                $0.append(cString: String(index))
                $0.append(contentsOf: element.span.bytes, in: 1..<element.count)
            }
        }
    }

    private mutating func append(_ value: BSONValue) {
        switch value {
        case .double(let value): append(uint64: value.bitPattern)
        case .string(let text), .javascript(let text), .symbol(let text): append(bsonString: text)
        case .document(let document): append(contentsOf: document.bytes)
        case .array(let values):
            appendDocument {
                for (index, value) in values.enumerated() { $0.appendElement(String(index), value) }
            }
        case .binary(let subtype, let bytes):
            append(int32: Int32(bytes.count))
            append(subtype)
            append(contentsOf: bytes)
        case .undefined, .null, .minKey, .maxKey: break
        case .objectID(let id): append(id)
        case .boolean(let value): append(value ? 1 : 0 as UInt8)
        case .date(let value), .int64(let value): append(uint64: UInt64(bitPattern: value))
        case .regularExpression(let pattern, let options):
            append(cString: pattern)
            append(cString: options)
        case .dbPointer(let namespace, let id):
            append(bsonString: namespace)
            append(id)
        case .javascriptWithScope(let code, let scope):
            let start = count
            append(int32: 0)
            append(bsonString: code)
            append(contentsOf: scope.bytes)
            setLength(at: start)
        case .int32(let value): append(int32: value)
        case .timestamp(let value): append(uint64: value.packed)
        case .decimal128(let value):
            append(uint64: value.low)
            append(uint64: value.high)
        }
    }

    package mutating func append(int32 value: Int32) {
        append(word: UInt64(UInt32(bitPattern: value)), length: 4)
    }

    package mutating func append(uint64 value: UInt64) {
        append(word: value, length: 8)
    }

    private mutating func append(_ id: BSONObjectID) {
        append(word: id.high.byteSwapped, length: 8)
        append(word: UInt64(id.low.byteSwapped), length: 4)
    }

    package mutating func append(bsonString text: String) {
        append(int32: Int32(text.utf8.count + 1))
        append(utf8Of: text)
        append(0 as UInt8)
    }

    package mutating func append(cString text: String) {
        precondition(BSONDocument.isKey(text), "BSON cannot express U+0000 in a key or a regular expression")
        append(utf8Of: text)
        append(0 as UInt8)
    }
}

extension BSONValue {
    /// The type byte that the value has in BSON.
    package var type: BSONType {
        switch self {
        case .double: .double
        case .string: .string
        case .document: .document
        case .array: .array
        case .binary: .binary
        case .undefined: .undefined
        case .objectID: .objectID
        case .boolean: .boolean
        case .date: .date
        case .null: .null
        case .regularExpression: .regularExpression
        case .dbPointer: .dbPointer
        case .javascript: .javascript
        case .symbol: .symbol
        case .javascriptWithScope: .javascriptWithScope
        case .int32: .int32
        case .timestamp: .timestamp
        case .int64: .int64
        case .decimal128: .decimal128
        case .minKey: .minKey
        case .maxKey: .maxKey
        }
    }
}
