import Mongo
import Runtime

/// A value of the guarded field: a truck's number or name.
///
/// Equal exactly where the server's unique index takes values for equal (``BSONIdentity``), and written in one way
/// wherever people see it.
struct Resource: Sendable, Hashable {
    let identity: BSONIdentity

    /// What is stored. A whole number is an int32 where it fits, else an int64.
    var value: BSONValue { identity.value }

    init(_ value: BSONValue) { identity = BSONIdentity(value) }

    init(_ number: Int64) { self.init(.int64(number)) }

    init(_ text: String) { self.init(.string(text)) }
}

extension Resource: Comparable {
    /// The server's order.
    static func < (one: Resource, other: Resource) -> Bool { one.identity < other.identity }
}

// MARK: Spelling

extension Resource: CustomStringConvertible {
    /// As the outcome's message names it: `4`, `2.5`, `north-7`, the digits of an ObjectId or a UUID, a time. Resources
    /// of different types may be written alike; ``ResourcePool`` refuses two members that are.
    var description: String {
        switch value {
        case .int32(let number): return "\(number)"
        case .int64(let number): return "\(number)"
        case .string(let text): return text
        case .boolean(let value): return "\(value)"
        case .objectID(let id): return "\(id)"
        case .decimal128(let decimal): return "\(decimal)"
        default: break
        }
        if let uuid { return uuid }
        if case .double(let number) = value, !number.isFinite { return number.isNaN ? "NaN" : number < 0 ? "-Infinity" : "Infinity" }
        guard let json else { return "?" }
        // What is a text in JSON is one here.
        return json.first == "\"" ? String(json.dropFirst().dropLast()) : json
    }

    /// Appends the value as it stands in an outcome: numbers and booleans as they are, everything that has a spelling
    /// of its own as text.
    func writeJSON(into buffer: inout OutputBuffer) {
        switch value {
        case .string(let text): buffer.append(jsonString: text)
        case .int32(let number): buffer.append(decimal: Int64(number))
        case .int64(let number): buffer.append(decimal: number)
        case .double(let number) where !number.isFinite: buffer.append(jsonString: description)
        case .double, .boolean, .document, .array, .timestamp, .null: buffer.append(utf8Of: json ?? "null")
        default: buffer.append(jsonString: description)
        }
    }

    /// The value as plain JSON; nil if it is malformed inside.
    private var json: String? {
        (try? BSONDocument(fields: [("", value)]).extendedJSON(.simple)).map { String($0.dropFirst(4).dropLast()) }
    }

    /// `73ffd264-44b3-4c69-90e8-e7d1dfc035d4`
    private var uuid: String? {
        guard case .binary(subtype: Self.uuidSubtype, let bytes) = value, bytes.count == 16 else { return nil }
        var buffer = OutputBuffer(capacity: 36)
        for (index, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(index) { buffer.append(UInt8(ascii: "-")) }
            buffer.append(hexadecimal: byte)
        }
        return buffer.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    static let uuidSubtype: UInt8 = 4
}
