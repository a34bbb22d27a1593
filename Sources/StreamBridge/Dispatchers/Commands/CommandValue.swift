import Mongo
import Runtime

/// What a command has for a key.
enum CommandValue {
    case missing
    /// `null`, where it is as good as nothing.
    case null
    /// Something that the key does not take, or a key that is there twice.
    case faulty
    case text(JSONString)
    case integer(Int64)
    case double(Double)
    case boolean(Bool)
    /// Milliseconds since 1970.
    case date(Int64)
    /// A resource of a type that JSON does not have.
    case resource(Resource)

    var isMissing: Bool { if case .missing = self { true } else { false } }

    /// Whether there is a value, be it a faulty one.
    var isThere: Bool {
        switch self {
        case .missing, .null: false
        default: true
        }
    }

    /// Appends a BSON element, or nothing if there is no value.
    func write(_ key: Int, of keys: CommandKeys, in bytes: RawSpan, into buffer: inout OutputBuffer) {
        switch self {
        // The resource is no part of the body.
        case .missing, .null, .faulty, .resource: break
        case .text(let text):
            buffer.append(BSONType.string.rawValue)
            keys.appendName(of: key, to: &buffer)
            buffer.append(int32: Int32(text.utf8Count + 1))
            text.write(of: bytes, into: &buffer)
            buffer.append(0 as UInt8)
        case .integer(let value):
            if let small = Int32(exactly: value) {
                buffer.append(BSONType.int32.rawValue)
                keys.appendName(of: key, to: &buffer)
                buffer.append(int32: small)
            } else {
                buffer.append(BSONType.int64.rawValue)
                keys.appendName(of: key, to: &buffer)
                buffer.append(uint64: UInt64(bitPattern: value))
            }
        case .double(let value):
            buffer.append(BSONType.double.rawValue)
            keys.appendName(of: key, to: &buffer)
            buffer.append(uint64: value.bitPattern)
        case .boolean(let value):
            buffer.append(BSONType.boolean.rawValue)
            keys.appendName(of: key, to: &buffer)
            buffer.append(value ? 1 : 0 as UInt8)
        case .date(let milliseconds):
            buffer.append(BSONType.date.rawValue)
            keys.appendName(of: key, to: &buffer)
            buffer.append(uint64: UInt64(bitPattern: milliseconds))
        }
    }
}
