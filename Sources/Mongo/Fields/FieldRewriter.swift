import Hashing
import Runtime

/// Writes documents as field rules leave them: BSON to BSON in one walk, which copies what stays in runs and decodes
/// nothing.
///
/// It looks into what the rules lead to, and takes everything else as it is. So bytes that are not BSON fail here, or
/// where the encoder reads the result. Used on one thread.
package final class FieldRewriter {
    let rules: FieldRules
    private let hash: KeyedHash?
    /// A value that is hashed, in its one form.
    private var value = OutputBuffer(capacity: 64)

    /// - Parameter key: for the masks that are hashes.
    package init(_ rules: FieldRules, key: [UInt8]) {
        self.rules = rules
        hash = rules.needsKey ? KeyedHash(key: key) : nil
    }

    /// Appends the document that starts at `offset`.
    ///
    /// - Throws: ``BSONError``. The buffer then holds a part of the document: truncate it to where it was.
    package func writeDocument(_ bytes: RawSpan, at offset: Int = 0, into buffer: inout OutputBuffer) throws(BSONError) {
        try writeFields(of: bytes, at: offset, node: 0, depth: 1, into: &buffer)
    }

    // MARK: Containers

    func writeFields(of bytes: RawSpan, at offset: Int, node: Int, depth: Int, into buffer: inout OutputBuffer) throws(BSONError) {
        guard depth <= ExtendedJSON.maximumDepth else { throw BSONError(.nestedTooDeep, at: offset) }
        let start = buffer.count
        buffer.append(int32: 0)
        var fields = try BSONCursor(document: bytes, at: offset)
        // What comes before is in the buffer, as far as it stays.
        var done = offset + 4
        while let field = try fields.next(in: bytes) {
            guard rules.concern(field.key, of: bytes, at: node) else { continue }
            let match = rules.match(field.key, of: bytes, at: node)
            guard match.fate != .keep || match.isRenamed else { continue }
            buffer.append(contentsOf: bytes, in: done..<field.key.lowerBound - 1)
            done = field.value.upperBound
            try write(field, match, of: bytes, in: offset, node: node, depth: depth, into: &buffer)
        }
        // The cursor has come to the end that the document's length announces.
        buffer.append(contentsOf: bytes, in: done..<offset + Int(bytes.int32(at: offset)))
        buffer.setLength(at: start)
    }

    func writeItems(of bytes: RawSpan, at offset: Int, node: Int, depth: Int, into buffer: inout OutputBuffer) throws(BSONError) {
        guard depth <= ExtendedJSON.maximumDepth else { throw BSONError(.nestedTooDeep, at: offset) }
        let start = buffer.count
        buffer.append(int32: 0)
        var items = try BSONCursor(document: bytes, at: offset)
        var position = 0
        var done = offset + 4
        while let item = try items.next(in: bytes) {
            let own = rules.node(ofPosition: position, at: node)
            position += 1
            let isExcluded = rules.nodes[own].effect == .exclude || (item.document == nil && !rules.nodes[own].keepsOthers)
            guard isExcluded || item.document != nil || rules.nodes[own].effect != .none else { continue }
            buffer.append(contentsOf: bytes, in: done..<item.key.lowerBound - 1)
            done = item.value.upperBound
            if isExcluded {
                // As `$unset` does: the other elements keep their positions.
                buffer.append(BSONType.null.rawValue)
                writeName(item.key, of: bytes, into: &buffer)
            } else if case .mask(let mask) = rules.nodes[own].effect {
                try writeMasked(item, mask, of: bytes, depth: depth, into: &buffer) { [self] in writeName(item.key, of: bytes, into: &$0) }
            } else {
                buffer.append(item.type.rawValue)
                writeName(item.key, of: bytes, into: &buffer)
                try writeContents(of: item, node: own, of: bytes, depth: depth, into: &buffer)
            }
        }
        buffer.append(contentsOf: bytes, in: done..<offset + Int(bytes.int32(at: offset)))
        buffer.setLength(at: start)
    }

    /// A document or an array, in a container of a depth.
    func writeContents(
        of element: BSONElement, node: Int, of bytes: RawSpan, depth: Int, into buffer: inout OutputBuffer
    ) throws(BSONError) {
        if element.type == .array {
            try writeItems(of: bytes, at: element.value.lowerBound, node: node, depth: depth + 1, into: &buffer)
        } else {
            try writeFields(of: bytes, at: element.value.lowerBound, node: node, depth: depth + 1, into: &buffer)
        }
    }

    /// - Parameter document: where the field's document is.
    private func write(
        _ field: BSONElement, _ match: FieldRules.Match, of bytes: RawSpan, in document: Int, node: Int, depth: Int,
        into buffer: inout OutputBuffer
    ) throws(BSONError) {
        switch match.fate {
        case .exclude: return
        case .mask(let mask):
            try writeMasked(field, mask, of: bytes, depth: depth, into: &buffer) { [self] in
                writeName(field.key, match, of: bytes, node: node, into: &$0)
                $0.append(0 as UInt8)
            }
        case .keep:
            buffer.append(field.type.rawValue)
            writeName(field.key, match, of: bytes, node: node, into: &buffer)
            buffer.append(0 as UInt8)
            buffer.append(contentsOf: bytes, in: field.value)
        case .descend(let own):
            guard field.document != nil || rules.nodes[own].keepsOthers else {
                // An element becomes null, as in the array; a field that goes is among those that an update removes.
                guard match.isElement else { return }
                buffer.append(BSONType.null.rawValue)
                writeName(field.key, match, of: bytes, node: node, into: &buffer)
                return buffer.append(0 as UInt8)
            }
            // One of them has to go, and `$rename` replaces the other field as well.
            if match.hasTakenName, let source = rules.nodes[own].source, try hasSibling(source, of: field.key, of: bytes, in: document) {
                return
            }
            buffer.append(field.type.rawValue)
            writeName(field.key, match, of: bytes, node: node, into: &buffer)
            buffer.append(0 as UInt8)
            guard field.document != nil else { return buffer.append(contentsOf: bytes, in: field.value) }
            try writeContents(of: field, node: own, of: bytes, depth: depth, into: &buffer)
        }
    }

    // MARK: Names

    private func writeName(_ key: Range<Int>, of bytes: RawSpan, into buffer: inout OutputBuffer) {
        buffer.append(contentsOf: bytes, in: key.lowerBound..<key.upperBound + 1)
    }

    /// The name that a field gets, without an end.
    func writeName(_ key: Range<Int>, _ match: FieldRules.Match, of bytes: RawSpan, node: Int, into buffer: inout OutputBuffer) {
        guard match.isRenamed else { return buffer.append(contentsOf: bytes, in: key) }
        let names = rules.names
        var node = node
        var position = key.lowerBound
        while let step = rules.step(from: node, at: position, in: key, of: bytes) {
            node = step.node
            if !step.isPosition, let name = rules.nodes[node].newName {
                buffer.append(contentsOf: names.span.bytes, in: name)
            } else {
                buffer.append(contentsOf: bytes, in: position..<step.end)
            }
            position = step.end
            guard position < key.upperBound else { return }
            buffer.append(UInt8(ascii: "."))
            position += 1
        }
        buffer.append(contentsOf: bytes, in: position..<key.upperBound)
    }

    /// Whether a document has the field that a key with another last name is.
    ///
    /// - Parameters:
    ///   - name: that other name, in the rules.
    ///   - document: where the document is.
    func hasSibling(
        _ name: Range<Int>, of key: Range<Int>, of bytes: RawSpan, in document: Int
    ) throws(BSONError) -> Bool {
        var last = key.upperBound
        while last > key.lowerBound, bytes.byte(at: last - 1) != UInt8(ascii: ".") { last -= 1 }
        let parent = bytes.extracting(key.lowerBound..<last)
        let names = rules.names
        let sibling = names.span.bytes.extracting(name)
        var fields = try BSONCursor(document: bytes, at: document)
        while let field = try fields.next(in: bytes) {
            let split = field.key.lowerBound + parent.byteCount
            guard field.key.count == parent.byteCount + sibling.byteCount, bytes.equals(field.key.lowerBound..<split, parent),
                bytes.equals(split..<field.key.upperBound, sibling)
            else { continue }
            return true
        }
        return false
    }

    // MARK: Masks

    /// Each element of an array is masked by itself, as an update names each by itself.
    private func writeMasked(
        _ element: BSONElement, _ mask: FieldMask, of bytes: RawSpan, depth: Int, into buffer: inout OutputBuffer,
        name: (inout OutputBuffer) -> Void
    ) throws(BSONError) {
        guard element.type == .array else {
            buffer.append(BSONType.string.rawValue)
            name(&buffer)
            return try writeString(into: &buffer) { buffer throws(BSONError) in try writeMask(mask, of: element, of: bytes, into: &buffer) }
        }
        guard depth < ExtendedJSON.maximumDepth else { throw BSONError(.nestedTooDeep, at: element.value.lowerBound) }
        buffer.append(BSONType.array.rawValue)
        name(&buffer)
        let start = buffer.count
        buffer.append(int32: 0)
        var items = try BSONCursor(document: bytes, at: element.value.lowerBound)
        while let item = try items.next(in: bytes) {
            try writeMasked(item, mask, of: bytes, depth: depth + 1, into: &buffer) { [self] in writeName(item.key, of: bytes, into: &$0) }
        }
        buffer.append(0 as UInt8)
        buffer.setLength(at: start)
    }

    private func writeMask(
        _ mask: FieldMask, of element: BSONElement, of bytes: RawSpan, into buffer: inout OutputBuffer
    ) throws(BSONError) {
        switch mask {
        case .redact: buffer.append(FieldMask.hidden)
        case .keep(let count):
            buffer.append(FieldMask.hidden)
            guard element.type == .string, let text = element.text else { return }
            // UTF-8: every character has one byte that continues nothing.
            var (position, rest) = (text.upperBound, count)
            while position > text.lowerBound, rest > 0 {
                position -= 1
                if bytes.byte(at: position) & 0b1100_0000 != 0b1000_0000 { rest -= 1 }
            }
            if position > text.lowerBound { buffer.append(contentsOf: bytes, in: position..<text.upperBound) }
        case .hash:
            value.reset(keepingCapacity: 1 << 16)
            try CanonicalBSON.writeValue(element, of: bytes, into: &value)
            writeHash(into: &buffer)
        }
    }

    private func writeHash(into buffer: inout OutputBuffer) {
        withUnsafeTemporaryAllocation(byteCount: KeyedHash.digestSize, alignment: 1) { digest in
            value.withUnsafeBytes { hash?.digest(of: $0, into: digest) }
            for byte in digest { buffer.append(hexadecimal: byte) }
        }
    }

    /// A string's length, text and end.
    func writeString(
        into buffer: inout OutputBuffer, _ text: (inout OutputBuffer) throws(BSONError) -> Void
    ) throws(BSONError) {
        let start = buffer.count
        buffer.append(int32: 0)
        try text(&buffer)
        buffer.append(0 as UInt8)
        buffer.overwrite(int32: Int32(buffer.count - start - 4), at: start)
    }
}
