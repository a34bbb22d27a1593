import Runtime

/// Writes BSON as the Java driver of MongoDB does: the JSON inside of the records of Debezium's connector.
///
/// It has two notations, and texts that are compared byte by byte, so white space and escapes are the driver's, too:
///
/// | BSON | ``document``: strict (Extended JSON v1) | ``update``, ``key``: relaxed (v2) |
/// |---|---|---|
/// | int64 | `{"$numberLong": "7"}` | `7` |
/// | date | `{"$date": 1700000000123}` | as in relaxed Extended JSON |
/// | binary | `{"$binary": "AP8Q","$type": "AF"}` | `{"$binary": {"base64": "AP8Q","subType": "AF"}}` |
/// | regular expression | `{"$regex": "a","$options": "i"}` | `{"$regularExpression": {"pattern": "a","options": "i"}}` |
///
/// Everything else is the same in both. A double has the driver's layout (`1.0E+7`) and the shortest digits. NaN and
/// infinities are `{"$numberDouble": "NaN"}` in both, although the strict notation of the driver has bare words, which
/// no parser of JSON reads.
///
/// Nothing is allocated. Text must be UTF-8 and is checked. When a function throws, the buffer holds a part of the
/// text: truncate it to where it was.
package struct JavaJSON: Sendable {
    private enum Notation {
        case strict, relaxed
    }

    private let notation: Notation
    /// Between members and between items.
    private let comma: StaticString

    /// Whole documents.
    package static let document = JavaJSON(notation: .strict, comma: ",")
    /// The changed fields of an update.
    package static let update = JavaJSON(notation: .relaxed, comma: ", ")
    /// The `_id` of a record's key.
    package static let key = JavaJSON(notation: .relaxed, comma: ",")

    /// Writes the document that starts at `offset` as a JSON object.
    ///
    /// - Throws: ``BSONError``.
    package func writeDocument(_ bytes: RawSpan, at offset: Int = 0, into buffer: inout OutputBuffer) throws(BSONError) {
        try writeObject(bytes, at: offset, depth: 1, into: &buffer)
    }

    /// Writes an element's value alone.
    ///
    /// - Throws: ``BSONError``.
    package func writeValue(_ element: BSONElement, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) {
        try write(element, of: bytes, depth: 0, into: &buffer)
    }

    // MARK: Containers

    private func writeObject(_ bytes: RawSpan, at offset: Int, depth: Int, into buffer: inout OutputBuffer) throws(BSONError) {
        guard depth <= ExtendedJSON.maximumDepth else { throw BSONError(.nestedTooDeep, at: offset) }
        var cursor = try BSONCursor(document: bytes, at: offset)
        var isFirst = true
        buffer.append("{")
        while let element = try cursor.next(in: bytes) {
            if !isFirst { buffer.append(comma) }
            isFirst = false
            try Self.writeString(element.key, of: bytes, into: &buffer)
            buffer.append(": ")
            try write(element, of: bytes, depth: depth, into: &buffer)
        }
        buffer.append("}")
    }

    private func writeList(_ bytes: RawSpan, at offset: Int, depth: Int, into buffer: inout OutputBuffer) throws(BSONError) {
        guard depth <= ExtendedJSON.maximumDepth else { throw BSONError(.nestedTooDeep, at: offset) }
        var cursor = try BSONCursor(document: bytes, at: offset)
        var isFirst = true
        buffer.append("[")
        while let element = try cursor.next(in: bytes) {
            if !isFirst { buffer.append(comma) }
            isFirst = false
            try write(element, of: bytes, depth: depth, into: &buffer)
        }
        buffer.append("]")
    }

    private func write(_ element: BSONElement, of bytes: RawSpan, depth: Int, into buffer: inout OutputBuffer) throws(BSONError) {
        let start = element.value.lowerBound
        switch element.type {
        case .document: try writeObject(bytes, at: start, depth: depth + 1, into: &buffer)
        case .array: try writeList(bytes, at: start, depth: depth + 1, into: &buffer)
        case .javascriptWithScope:
            let parts = try CodeWithScope(element.value, of: bytes)
            buffer.append("{\"$code\": ")
            try Self.writeString(parts.code, of: bytes, into: &buffer)
            buffer.append(comma)
            buffer.append("\"$scope\": ")
            try writeObject(bytes, at: parts.scope.lowerBound, depth: depth + 1, into: &buffer)
            buffer.append("}")
        default: try writeScalar(element, of: bytes, into: &buffer)
        }
    }

    // MARK: Scalars

    private func writeScalar(_ element: BSONElement, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) {
        let value = element.value
        let start = value.lowerBound
        switch element.type {
        case .string: try Self.writeString(start + 4..<value.upperBound - 1, of: bytes, into: &buffer)
        case .int32: buffer.append(decimal: Int64(bytes.int32(at: start)))
        case .int64: writeInt64(Int64(bitPattern: bytes.uint64(at: start)), into: &buffer)
        case .double: writeDouble(Double(bitPattern: bytes.uint64(at: start)), into: &buffer)
        case .date: writeDate(Int64(bitPattern: bytes.uint64(at: start)), into: &buffer)
        case .binary: try writeBinary(value, of: bytes, into: &buffer)
        case .regularExpression: try writeRegularExpression(value, of: bytes, into: &buffer)
        case .objectID: Self.writeObjectID(bytes, at: start, into: &buffer)
        case .timestamp:
            let timestamp = BSONTimestamp(packed: bytes.uint64(at: start))
            buffer.append("{\"$timestamp\": {\"t\": ")
            buffer.append(decimal: UInt64(timestamp.seconds))
            buffer.append(comma)
            buffer.append("\"i\": ")
            buffer.append(decimal: UInt64(timestamp.increment))
            buffer.append("}}")
        case .decimal128:
            buffer.append("{\"$numberDecimal\": \"")
            buffer.append(decimal: BSONDecimal128(high: bytes.uint64(at: start + 8), low: bytes.uint64(at: start)))
            buffer.append("\"}")
        case .dbPointer:
            let id = value.upperBound - 12
            buffer.append("{\"$ref\": ")
            try Self.writeString(start + 4..<id - 1, of: bytes, into: &buffer)
            buffer.append(comma)
            buffer.append("\"$id\": ")
            Self.writeObjectID(bytes, at: id, into: &buffer)
            buffer.append("}")
        case .javascript, .symbol:
            buffer.append(element.type == .symbol ? "{\"$symbol\": " : "{\"$code\": ")
            try Self.writeString(start + 4..<value.upperBound - 1, of: bytes, into: &buffer)
            buffer.append("}")
        case .undefined: buffer.append("{\"$undefined\": true}")
        case .minKey: buffer.append("{\"$minKey\": 1}")
        case .maxKey: buffer.append("{\"$maxKey\": 1}")
        // A boolean or null.
        default: try ExtendedJSON.writeScalar(element, of: bytes, mode: .relaxed, into: &buffer)
        }
    }

    private func writeInt64(_ value: Int64, into buffer: inout OutputBuffer) {
        if notation == .strict { buffer.append("{\"$numberLong\": \"") }
        buffer.append(decimal: value)
        if notation == .strict { buffer.append("\"}") }
    }

    private func writeDouble(_ value: Double, into buffer: inout OutputBuffer) {
        guard !value.isFinite else { return buffer.append(inJavaLayout: value) }
        buffer.append("{\"$numberDouble\": \"")
        buffer.append(value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity")
        buffer.append("\"}")
    }

    private func writeDate(_ milliseconds: Int64, into buffer: inout OutputBuffer) {
        switch notation {
        case .strict:
            buffer.append("{\"$date\": ")
            buffer.append(decimal: milliseconds)
            buffer.append("}")
        case .relaxed where JSONDate.relaxedRange.contains(milliseconds):
            buffer.append("{\"$date\": \"")
            JSONDate.write(milliseconds, alwaysWithFraction: false, into: &buffer)
            buffer.append("\"}")
        case .relaxed:
            buffer.append("{\"$date\": {\"$numberLong\": \"")
            buffer.append(decimal: milliseconds)
            buffer.append("\"}}")
        }
    }

    private func writeBinary(_ value: Range<Int>, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) {
        let content = try ExtendedJSON.binaryContent(of: value, in: bytes)
        buffer.append(notation == .strict ? "{\"$binary\": \"" : "{\"$binary\": {\"base64\": \"")
        buffer.append(base64: bytes, in: content)
        buffer.append("\"")
        buffer.append(comma)
        buffer.append(notation == .strict ? "\"$type\": \"" : "\"subType\": \"")
        buffer.append(hexadecimalOf: bytes, in: value.lowerBound + 4..<value.lowerBound + 5)
        buffer.append(notation == .strict ? "\"}" : "\"}}")
    }

    private func writeRegularExpression(_ value: Range<Int>, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) {
        // The cursor has found both terminators.
        let end = value.upperBound - 1
        guard let patternEnd = bytes.firstZero(from: value.lowerBound, before: end) else {
            throw BSONError(.missingTerminator, at: value.lowerBound)
        }
        buffer.append(notation == .strict ? "{\"$regex\": " : "{\"$regularExpression\": {\"pattern\": ")
        try Self.writeString(value.lowerBound..<patternEnd, of: bytes, into: &buffer)
        buffer.append(comma)
        buffer.append(notation == .strict ? "\"$options\": \"" : "\"options\": \"")
        try ExtendedJSON.writeOptions(patternEnd + 1..<end, of: bytes, into: &buffer)
        buffer.append(notation == .strict ? "\"}" : "\"}}")
    }

    private static func writeObjectID(_ bytes: RawSpan, at start: Int, into buffer: inout OutputBuffer) {
        buffer.append("{\"$oid\": \"")
        buffer.append(hexadecimal: BSONObjectID(of: bytes, at: start))
        buffer.append("\"}")
    }
}
