import Runtime

extension OutputBuffer {
    /// Appends the 24 lower-case hexadecimal digits of an ObjectId.
    package mutating func append(hexadecimal id: BSONObjectID) {
        appendHexadecimal(UInt32(truncatingIfNeeded: id.high >> 32))
        appendHexadecimal(UInt32(truncatingIfNeeded: id.high))
        appendHexadecimal(id.low)
    }
}
