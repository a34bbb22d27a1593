import Runtime

/// The way to a value inside a document: `fullDocument.items.0.name`.
///
/// Made once (per route, per template), followed for every event without allocating.
package struct BSONPath: Sendable, Hashable {
    private struct Segment: Sendable, Hashable {
        /// Where the segment's name is in `names`.
        let name: Range<Int>

        /// The name as a position in an array, or -1 if it is not one.
        let index: Int
    }

    /// The names of all segments, one after the other, so that following a path touches two arrays and not one for each
    /// name.
    private let names: [UInt8]
    private let segments: [Segment]

    /// From a path with dots between the segments. A segment of digits names an element of an array by its position,
    /// and in a document the field of that name. An empty segment names the field with the empty name.
    package init(_ dotted: String) {
        self.init(segments: dotted.split(separator: ".", omittingEmptySubsequences: false).map(String.init))
    }

    /// From the segments one by one, which may then contain dots.
    package init(segments: [String]) {
        var names: [UInt8] = []
        self.segments = segments.map { segment in
            let start = names.count
            names.append(contentsOf: segment.utf8)
            let digits = segment.utf8.allSatisfy { (0x30...0x39).contains($0) }
            return Segment(name: start..<names.count, index: digits ? Int(segment) ?? -1 : -1)
        }
        self.names = names
    }

    /// The element at the end of the path, or nil if a segment is missing or something on the way is neither a document
    /// nor an array. Of fields with the same name the first one counts. A path without segments leads nowhere.
    ///
    /// - Throws: ``BSONError`` if the bytes that had to be walked are malformed. Bytes behind the found element are not
    ///   looked at.
    package func find(in bytes: RawSpan, at offset: Int = 0) throws(BSONError) -> BSONElement? {
        var start = offset
        var inArray = false
        var last: BSONElement?
        for segment in segments {
            if let container = last {
                guard let nested = container.document else { return nil }
                start = nested.lowerBound
                inArray = container.type == .array
            }
            var cursor = try BSONCursor(document: bytes, at: start)
            let found =
                inArray
                ? try Self.element(segment.index, of: &cursor, in: bytes)
                : try element(named: segment.name, of: &cursor, in: bytes)
            guard let found else { return nil }
            last = found
        }
        return last
    }

    private static func element(_ index: Int, of cursor: inout BSONCursor, in bytes: RawSpan) throws(BSONError) -> BSONElement? {
        guard index >= 0 else { return nil }
        var position = 0
        while let element = try cursor.next(in: bytes) {
            if position == index { return element }
            position += 1
        }
        return nil
    }

    private func element(named name: Range<Int>, of cursor: inout BSONCursor, in bytes: RawSpan) throws(BSONError) -> BSONElement? {
        let name = names.span.extracting(name).bytes
        while let element = try cursor.next(in: bytes) {
            if bytes.equals(element.key, name) { return element }
        }
        return nil
    }
}

extension BSONPath: CustomStringConvertible {
    package var description: String {
        segments.map { String(decoding: names[$0.name], as: UTF8.self) }.joined(separator: ".")
    }
}

extension RawSpan {
    /// Whether the bytes of a range are these.
    @inlinable @inline(__always)
    package func equals(_ range: Range<Int>, _ other: RawSpan) -> Bool {
        guard range.count == other.byteCount else { return false }
        for index in 0..<other.byteCount where byte(at: range.lowerBound + index) != other.byte(at: index) { return false }
        return true
    }
}
