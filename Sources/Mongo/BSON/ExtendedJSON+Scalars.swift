import Runtime

/// The values that contain no other values.
extension ExtendedJSON {
    static func writeScalar(
        _ element: BSONElement, of bytes: RawSpan, mode: JSONMode, into buffer: inout OutputBuffer
    ) throws(BSONError) {
        let start = element.value.lowerBound
        switch element.type {
        case .string:
            try writeString(start + 4..<element.value.upperBound - 1, of: bytes, into: &buffer)
        case .int32:
            writeInt32(bytes.int32(at: start), mode: mode, into: &buffer)
        case .int64:
            let value = Int64(bitPattern: bytes.uint64(at: start))
            if mode == .key { return writeNumber(CanonicalNumber(value), into: &buffer) }
            writeInt64(value, mode: mode, into: &buffer)
        case .double:
            let value = Double(bitPattern: bytes.uint64(at: start))
            if mode == .key { return writeNumber(CanonicalNumber(value), into: &buffer) }
            writeDouble(value, mode: mode, into: &buffer)
        case .objectID:
            writeObjectID(bytes, at: start, mode: mode, into: &buffer)
        case .date:
            writeDate(Int64(bitPattern: bytes.uint64(at: start)), mode: mode, into: &buffer)
        case .boolean:
            switch bytes.byte(at: start) {
            case 0: buffer.append("false")
            case 1: buffer.append("true")
            case let other: throw BSONError(.invalidBoolean(other), at: start)
            }
        case .null:
            buffer.append("null")
        case .timestamp:
            writeTimestamp(BSONTimestamp(packed: bytes.uint64(at: start)), mode: mode, into: &buffer)
        case .decimal128:
            let value = BSONDecimal128(high: bytes.uint64(at: start + 8), low: bytes.uint64(at: start))
            if mode == .key { return writeNumber(CanonicalNumber(value), into: &buffer) }
            writeDecimal(value, mode: mode, into: &buffer)
        case .binary:
            try writeBinary(element.value, of: bytes, mode: mode, into: &buffer)
        default:
            try writeRareScalar(element, of: bytes, mode: mode, into: &buffer)
        }
    }

    @inline(never)
    private static func writeRareScalar(
        _ element: BSONElement, of bytes: RawSpan, mode: JSONMode, into buffer: inout OutputBuffer
    ) throws(BSONError) {
        let value = element.value
        let isSimple = mode == .simple
        switch element.type {
        case .regularExpression:
            try writeRegularExpression(value, of: bytes, mode: mode, into: &buffer)
        case .dbPointer:
            let id = value.upperBound - 12
            buffer.append(isSimple ? "{\"ref\":" : "{\"$dbPointer\":{\"$ref\":")
            try writeString(value.lowerBound + 4..<id - 1, of: bytes, into: &buffer)
            buffer.append(isSimple ? ",\"id\":" : ",\"$id\":")
            writeObjectID(bytes, at: id, mode: mode, into: &buffer)
            buffer.append(isSimple ? "}" : "}}")
        case .javascript, .symbol:
            let isPlain = isSimple || mode == .key && element.type == .symbol
            if !isPlain { buffer.append(element.type == .symbol ? "{\"$symbol\":" : "{\"$code\":") }
            try writeString(value.lowerBound + 4..<value.upperBound - 1, of: bytes, into: &buffer)
            if !isPlain { buffer.append("}") }
        case .undefined:
            buffer.append(isSimple ? "null" : "{\"$undefined\":true}")
        case .minKey:
            buffer.append(isSimple ? "\"MinKey\"" : "{\"$minKey\":1}")
        case .maxKey:
            buffer.append(isSimple ? "\"MaxKey\"" : "{\"$maxKey\":1}")
        default:
            assertionFailure("\(element.type) is not written here")
        }
    }

    private static func writeNumber(_ number: CanonicalNumber, into buffer: inout OutputBuffer) {
        switch number {
        case .int32(let value): writeInt32(value, mode: .key, into: &buffer)
        case .int64(let value): writeInt64(value, mode: .key, into: &buffer)
        case .double(let value): writeDouble(value, mode: .key, into: &buffer)
        case .decimal(let value): writeDecimal(value, mode: .key, into: &buffer)
        }
    }

    private static func writeInt32(_ value: Int32, mode: JSONMode, into buffer: inout OutputBuffer) {
        guard mode.namesNumbers else {
            buffer.append(decimal: Int64(value))
            return
        }
        buffer.append("{\"$numberInt\":\"")
        buffer.append(decimal: Int64(value))
        buffer.append("\"}")
    }

    private static func writeInt64(_ value: Int64, mode: JSONMode, into buffer: inout OutputBuffer) {
        guard mode.namesNumbers else {
            buffer.append(decimal: value)
            return
        }
        buffer.append("{\"$numberLong\":\"")
        buffer.append(decimal: value)
        buffer.append("\"}")
    }

    private static func writeDouble(_ value: Double, mode: JSONMode, into buffer: inout OutputBuffer) {
        guard value.isFinite else {
            if mode == .simple {
                buffer.append("null")
            } else if value.isNaN {
                buffer.append("{\"$numberDouble\":\"NaN\"}")
            } else {
                buffer.append(value < 0 ? "{\"$numberDouble\":\"-Infinity\"}" : "{\"$numberDouble\":\"Infinity\"}")
            }
            return
        }
        guard mode.namesNumbers else {
            buffer.append(finite: value)
            return
        }
        buffer.append("{\"$numberDouble\":\"")
        buffer.append(finite: value)
        buffer.append("\"}")
    }

    private static func writeObjectID(_ bytes: RawSpan, at start: Int, mode: JSONMode, into buffer: inout OutputBuffer) {
        buffer.append(mode == .simple ? "\"" : "{\"$oid\":\"")
        buffer.append(hexadecimal: BSONObjectID(of: bytes, at: start))
        buffer.append(mode == .simple ? "\"" : "\"}")
    }

    private static func writeDate(_ milliseconds: Int64, mode: JSONMode, into buffer: inout OutputBuffer) {
        switch mode {
        case .simple:
            guard JSONDate.simpleRange.contains(milliseconds) else {
                buffer.append(decimal: milliseconds)
                return
            }
            buffer.append("\"")
            JSONDate.write(milliseconds, alwaysWithFraction: true, into: &buffer)
            buffer.append("\"")
        case .relaxed where JSONDate.relaxedRange.contains(milliseconds):
            buffer.append("{\"$date\":\"")
            JSONDate.write(milliseconds, alwaysWithFraction: false, into: &buffer)
            buffer.append("\"}")
        case .relaxed, .canonical, .key:
            buffer.append("{\"$date\":{\"$numberLong\":\"")
            buffer.append(decimal: milliseconds)
            buffer.append("\"}}")
        }
    }

    private static func writeTimestamp(_ timestamp: BSONTimestamp, mode: JSONMode, into buffer: inout OutputBuffer) {
        buffer.append(mode == .simple ? "{\"t\":" : "{\"$timestamp\":{\"t\":")
        buffer.append(decimal: UInt64(timestamp.seconds))
        buffer.append(",\"i\":")
        buffer.append(decimal: UInt64(timestamp.increment))
        buffer.append(mode == .simple ? "}" : "}}")
    }

    private static func writeDecimal(_ decimal: BSONDecimal128, mode: JSONMode, into buffer: inout OutputBuffer) {
        buffer.append(mode == .simple ? "\"" : "{\"$numberDecimal\":\"")
        buffer.append(decimal: decimal)
        buffer.append(mode == .simple ? "\"" : "\"}")
    }

    private static func writeBinary(
        _ value: Range<Int>, of bytes: RawSpan, mode: JSONMode, into buffer: inout OutputBuffer
    ) throws(BSONError) {
        let subtype = bytes.byte(at: value.lowerBound + 4)
        let content = try binaryContent(of: value, in: bytes)
        buffer.append(mode == .simple ? "\"" : "{\"$binary\":{\"base64\":\"")
        buffer.append(base64: bytes, in: content)
        if mode == .simple {
            buffer.append("\"")
        } else {
            buffer.append("\",\"subType\":\"")
            buffer.append(hexadecimal: subtype)
            buffer.append("\"}}")
        }
    }

    /// Where the bytes of a binary are.
    static func binaryContent(of value: Range<Int>, in bytes: RawSpan) throws(BSONError) -> Range<Int> {
        let content = value.lowerBound + 5..<value.upperBound
        guard bytes.byte(at: value.lowerBound + 4) == 2 else { return content }
        // The old binary subtype repeats the length inside; JSON has the bytes alone.
        guard content.count >= 4 else { throw BSONError(.truncated, at: content.lowerBound) }
        guard Int(bytes.int32(at: content.lowerBound)) == content.count - 4 else { throw BSONError(.invalidLength, at: content.lowerBound) }
        return content.lowerBound + 4..<content.upperBound
    }

    private static func writeRegularExpression(
        _ value: Range<Int>, of bytes: RawSpan, mode: JSONMode, into buffer: inout OutputBuffer
    ) throws(BSONError) {
        // The cursor has found both terminators.
        let end = value.upperBound - 1
        guard let patternEnd = bytes.firstZero(from: value.lowerBound, before: end) else {
            throw BSONError(.missingTerminator, at: value.lowerBound)
        }
        buffer.append(mode == .simple ? "\"/" : "{\"$regularExpression\":{\"pattern\":\"")
        try writeEscaped(value.lowerBound..<patternEnd, of: bytes, into: &buffer)
        buffer.append(mode == .simple ? "/" : "\",\"options\":\"")
        // Two expressions whose options are in another order are two values for the server.
        if mode == .key {
            try writeEscaped(patternEnd + 1..<end, of: bytes, into: &buffer)
        } else {
            try writeOptions(patternEnd + 1..<end, of: bytes, into: &buffer)
        }
        buffer.append(mode == .simple ? "\"" : "\"}}")
    }

    /// Options are written in alphabetical order, in which they should be stored but need not be.
    static func writeOptions(_ range: Range<Int>, of bytes: RawSpan, into buffer: inout OutputBuffer) throws(BSONError) {
        var letters: UInt32 = 0
        for offset in range {
            let letter = bytes.byte(at: offset) &- UInt8(ascii: "a")
            // Not the letters that options are, or one of them twice: nothing to put in order.
            guard letter < 26, letters & 1 << letter == 0 else { return try writeEscaped(range, of: bytes, into: &buffer) }
            letters |= 1 << letter
        }
        while letters != 0 {
            buffer.append(UInt8(ascii: "a") + UInt8(letters.trailingZeroBitCount))
            letters &= letters - 1
        }
    }
}
