/// A decoded BSON value, for commands, replies and configuration. The events of a change stream are never decoded into
/// these.
package enum BSONValue: Sendable, Hashable {
    case double(Double)
    case string(String)
    case document(BSONDocument)
    case array([BSONValue])
    case binary(subtype: UInt8, bytes: [UInt8])
    case undefined
    case objectID(BSONObjectID)
    case boolean(Bool)
    /// Milliseconds since 1970-01-01T00:00:00Z.
    case date(milliseconds: Int64)
    case null
    case regularExpression(pattern: String, options: String)
    case dbPointer(namespace: String, id: BSONObjectID)
    case javascript(String)
    case symbol(String)
    case javascriptWithScope(String, scope: BSONDocument)
    case int32(Int32)
    case timestamp(BSONTimestamp)
    case int64(Int64)
    case decimal128(BSONDecimal128)
    case minKey
    case maxKey
}

/// The value as a Swift type, or nil if it is of another kind.
extension BSONValue {
    /// A whole number, whichever numeric type holds it: int32, int64, or a double without a fraction.
    package var int64Value: Int64? {
        switch self {
        case .int32(let value): Int64(value)
        case .int64(let value): value
        case .double(let value): Int64(whole: value)
        default: nil
        }
    }

    /// Any number; an int64 beyond 2^53 is rounded.
    package var doubleValue: Double? {
        switch self {
        case .int32(let value): Double(value)
        case .int64(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    package var stringValue: String? {
        if case .string(let value) = self { value } else { nil }
    }

    package var booleanValue: Bool? {
        if case .boolean(let value) = self { value } else { nil }
    }

    /// What the server means by true: true itself, or a number that is not zero. Replies have `ok: 1`.
    package var isTruthy: Bool {
        booleanValue ?? doubleValue.map { $0 != 0 } ?? false
    }

    package var documentValue: BSONDocument? {
        if case .document(let value) = self { value } else { nil }
    }

    package var arrayValue: [BSONValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    package var objectIDValue: BSONObjectID? {
        if case .objectID(let value) = self { value } else { nil }
    }

    package var timestampValue: BSONTimestamp? {
        if case .timestamp(let value) = self { value } else { nil }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    package var dateValue: Int64? {
        if case .date(let milliseconds) = self { milliseconds } else { nil }
    }

    package var binaryValue: [UInt8]? {
        if case .binary(_, let bytes) = self { bytes } else { nil }
    }

    package var isNull: Bool {
        self == .null
    }
}

extension BSONValue: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    package init(stringLiteral value: String) { self = .string(value) }
}

extension BSONValue: ExpressibleByIntegerLiteral {
    /// An int32 if the number fits, an int64 otherwise, as the shell and the drivers do it.
    package init(integerLiteral value: Int64) { self.init(value) }
}

extension BSONValue {
    /// An int32 if the number fits, an int64 otherwise.
    package init(_ value: some BinaryInteger) {
        self = Int32(exactly: value).map { .int32($0) } ?? .int64(Int64(clamping: value))
    }
}

extension BSONValue: ExpressibleByFloatLiteral {
    package init(floatLiteral value: Double) { self = .double(value) }
}

extension BSONValue: ExpressibleByBooleanLiteral {
    package init(booleanLiteral value: Bool) { self = .boolean(value) }
}

extension BSONValue: ExpressibleByNilLiteral {
    package init(nilLiteral: ()) { self = .null }
}

extension BSONValue: ExpressibleByArrayLiteral {
    package init(arrayLiteral elements: BSONValue...) { self = .array(elements) }
}

extension BSONValue: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, BSONValue)...) { self = .document(BSONDocument(fields: elements)) }
}
