/// The type byte that stands before every element of a BSON document.
///
/// The list is the one of the BSON 1.1 specification, deprecated types included: a collection that was written years
/// ago still holds them.
package enum BSONType: UInt8, Sendable, Hashable, CaseIterable {
    /// 64-bit IEEE 754 floating point.
    case double = 0x01
    /// UTF-8 text; may contain U+0000.
    case string = 0x02
    case document = 0x03
    /// A document whose keys are "0", "1", … The position counts, not the key.
    case array = 0x04
    case binary = 0x05
    /// Deprecated.
    case undefined = 0x06
    case objectID = 0x07
    /// One byte, 0 or 1.
    case boolean = 0x08
    /// Signed milliseconds since 1970-01-01T00:00:00Z.
    case date = 0x09
    case null = 0x0A
    /// Two zero-terminated strings: the pattern, and the options.
    case regularExpression = 0x0B
    /// Deprecated. A namespace and an ObjectId.
    case dbPointer = 0x0C
    case javascript = 0x0D
    /// Deprecated.
    case symbol = 0x0E
    /// Deprecated. Code, and a document of the variables it sees.
    case javascriptWithScope = 0x0F
    case int32 = 0x10
    /// The server's own clock: an increment (low 32 bits) and seconds since 1970 (high 32 bits).
    case timestamp = 0x11
    case int64 = 0x12
    /// 128-bit IEEE 754-2008 decimal floating point, binary integer encoding.
    case decimal128 = 0x13
    /// Sorts after every other value.
    case maxKey = 0x7F
    /// Sorts before every other value.
    case minKey = 0xFF
}
