import Runtime

/// Writing JSON by hand, for records of the bridge's own.
extension OutputBuffer {
    /// Appends a text as a JSON string, quotes included.
    package mutating func append(jsonString text: String) {
        append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { utf8 in
            let bytes = UnsafeRawBufferPointer(utf8).bytes
            // A Swift string is valid UTF-8, so this cannot fail.
            try? ExtendedJSON.writeEscaped(0..<bytes.byteCount, of: bytes, into: &self)
        }
        append(UInt8(ascii: "\""))
    }

    /// Appends a time as `2012-12-24T12:15:30.501Z`, always with milliseconds. Times before the year 1 or after 9999
    /// are moved to that end.
    ///
    /// - Parameter milliseconds: since 1970-01-01T00:00:00Z.
    package mutating func append(iso8601 milliseconds: Int64) {
        let range = JSONDate.simpleRange
        JSONDate.write(min(max(milliseconds, range.lowerBound), range.upperBound), alwaysWithFraction: true, into: &self)
    }
}
