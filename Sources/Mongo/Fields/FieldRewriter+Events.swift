import Runtime

extension FieldRewriter {
    /// Appends the change event that starts at `offset`: with its documents, and what it says of an update, as the
    /// rules leave them.
    ///
    /// - Throws: ``BSONError``. The buffer then holds a part of the event: truncate it to where it was.
    package func writeEvent(_ bytes: RawSpan, at offset: Int, into buffer: inout OutputBuffer) throws(BSONError) {
        let start = buffer.count
        buffer.append(int32: 0)
        var fields = try BSONCursor(document: bytes, at: offset)
        var done = offset + 4
        while let field = try fields.next(in: bytes) {
            guard field.document != nil else { continue }
            let isUpdate = field.type == .document && field.keyEquals("updateDescription", in: bytes)
            guard isUpdate || field.keyEquals("fullDocument", in: bytes) || field.keyEquals("fullDocumentBeforeChange", in: bytes) else {
                continue
            }
            // With its type and name.
            buffer.append(contentsOf: bytes, in: done..<field.value.lowerBound)
            done = field.value.upperBound
            if isUpdate {
                try writeUpdate(of: bytes, at: field.value.lowerBound, into: &buffer)
            } else {
                try writeContents(of: field, node: 0, of: bytes, depth: 1, into: &buffer)
            }
        }
        buffer.append(contentsOf: bytes, in: done..<offset + Int(bytes.int32(at: offset)))
        buffer.setLength(at: start)
    }

    /// `updateDescription`. What is empty in the end stays, empty.
    private func writeUpdate(of bytes: RawSpan, at offset: Int, into buffer: inout OutputBuffer) throws(BSONError) {
        let start = buffer.count
        buffer.append(int32: 0)
        var updated: Int?
        var fields = try BSONCursor(document: bytes, at: offset)
        var done = offset + 4
        while let field = try fields.next(in: bytes) {
            guard field.document != nil else { continue }
            buffer.append(contentsOf: bytes, in: done..<field.value.lowerBound)
            done = field.value.upperBound
            let content = field.value.lowerBound
            if field.type == .document, field.keyEquals("updatedFields", in: bytes) {
                // The server has it first.
                updated = content
                try writeFields(of: bytes, at: content, node: 0, depth: 3, into: &buffer)
            } else if field.type == .array, field.keyEquals("removedFields", in: bytes) {
                try writeRemoved(of: bytes, at: content, updated: updated, into: &buffer)
            } else if field.type == .array, field.keyEquals("truncatedArrays", in: bytes) {
                try writeTruncated(of: bytes, at: content, into: &buffer)
            } else if field.type == .document, field.keyEquals("disambiguatedPaths", in: bytes) {
                try writePaths(of: bytes, at: content, into: &buffer)
            } else {
                buffer.append(contentsOf: bytes, in: field.value)
            }
        }
        buffer.append(contentsOf: bytes, in: done..<offset + Int(bytes.int32(at: offset)))
        buffer.setLength(at: start)
    }

    /// Paths of fields.
    ///
    /// - Parameter updated: where `updatedFields` is.
    private func writeRemoved(of bytes: RawSpan, at offset: Int, updated: Int?, into buffer: inout OutputBuffer) throws(BSONError) {
        let start = buffer.count
        buffer.append(int32: 0)
        var position: Int64 = 0
        var items = try BSONCursor(document: bytes, at: offset)
        while let item = try items.next(in: bytes) {
            guard let path = item.text else { continue }
            let match = rules.match(path, of: bytes, at: 0)
            guard match.fate != .exclude else { continue }
            if let updated, try isReplaced(path, of: bytes, by: updated) { continue }
            try writeRemoved(path, match, of: bytes, &position, into: &buffer)
        }
        if let updated, !rules.nodes[0].keepsOthers { try writeEmptied(of: bytes, at: updated, &position, into: &buffer) }
        buffer.append(0 as UInt8)
        buffer.setLength(at: start)
    }

    private func writeRemoved(
        _ path: Range<Int>, _ match: FieldRules.Match, of bytes: RawSpan, _ position: inout Int64, into buffer: inout OutputBuffer
    ) throws(BSONError) {
        writeItemHead(.string, &position, into: &buffer)
        try writeString(into: &buffer) { buffer throws(BSONError) in writeName(path, match, of: bytes, node: 0, into: &buffer) }
    }

    /// Fields on the way to what stays that are documents no more: as the rules leave the documents, they are gone.
    private func writeEmptied(
        of bytes: RawSpan, at updated: Int, _ position: inout Int64, into buffer: inout OutputBuffer
    ) throws(BSONError) {
        var fields = try BSONCursor(document: bytes, at: updated)
        while let field = try fields.next(in: bytes) {
            guard field.document == nil else { continue }
            let match = rules.match(field.key, of: bytes, at: 0)
            guard case .descend(let node) = match.fate, !rules.nodes[node].keepsOthers, !match.isElement else { continue }
            try writeRemoved(field.key, match, of: bytes, &position, into: &buffer)
        }
    }

    /// Whether a field is removed and, by the new name, set: the documents' own field was renamed in MongoDB. For a
    /// reader it was set.
    private func isReplaced(_ path: Range<Int>, of bytes: RawSpan, by updated: Int) throws(BSONError) -> Bool {
        guard rules.renamesFields, let node = node(of: path, of: bytes) else { return false }
        if let name = rules.nodes[node].newName, try hasSibling(name, of: path, of: bytes, in: updated) { return true }
        if let name = rules.nodes[node].source, try hasSibling(name, of: path, of: bytes, in: updated) { return true }
        return false
    }

    /// The node of a path that rules name to its end.
    private func node(of path: Range<Int>, of bytes: RawSpan) -> Int? {
        var (node, position) = (0, path.lowerBound)
        while let step = rules.step(from: node, at: position, in: path, of: bytes) {
            node = step.node
            if step.end == path.upperBound { return step.isPosition ? nil : node }
            position = step.end + 1
        }
        return nil
    }

    /// `{field, newSize}` of arrays that have become shorter.
    private func writeTruncated(of bytes: RawSpan, at offset: Int, into buffer: inout OutputBuffer) throws(BSONError) {
        let start = buffer.count
        buffer.append(int32: 0)
        var position: Int64 = 0
        var items = try BSONCursor(document: bytes, at: offset)
        while let item = try items.next(in: bytes) {
            guard item.type == .document else { continue }
            var path: BSONElement?
            var fields = try BSONCursor(document: bytes, at: item.value.lowerBound)
            while let field = try fields.next(in: bytes) { if field.type == .string, field.keyEquals("field", in: bytes) { path = field } }
            guard let path, let text = path.text else { continue }
            let match = rules.match(text, of: bytes, at: 0)
            guard match.fate != .exclude else { continue }
            writeItemHead(.document, &position, into: &buffer)
            let document = buffer.count
            buffer.append(contentsOf: bytes, in: item.value.lowerBound..<path.value.lowerBound)
            try writeString(into: &buffer) { buffer throws(BSONError) in
                writeName(text, match, of: bytes, node: 0, into: &buffer)
            }
            buffer.append(contentsOf: bytes, in: path.value.upperBound..<item.value.upperBound)
            buffer.setLength(at: document)
        }
        buffer.append(0 as UInt8)
        buffer.setLength(at: start)
    }

    /// Paths that can be read in more than one way, each with its names and positions one by one.
    private func writePaths(of bytes: RawSpan, at offset: Int, into buffer: inout OutputBuffer) throws(BSONError) {
        let start = buffer.count
        buffer.append(int32: 0)
        var fields = try BSONCursor(document: bytes, at: offset)
        while let field = try fields.next(in: bytes) {
            let match = rules.match(field.key, of: bytes, at: 0)
            guard match.fate != .exclude else { continue }
            buffer.append(field.type.rawValue)
            writeName(field.key, match, of: bytes, node: 0, into: &buffer)
            buffer.append(0 as UInt8)
            if match.isRenamed, field.type == .array {
                try writeParts(of: bytes, at: field.value.lowerBound, into: &buffer)
            } else {
                buffer.append(contentsOf: bytes, in: field.value)
            }
        }
        buffer.append(0 as UInt8)
        buffer.setLength(at: start)
    }

    private func writeParts(of bytes: RawSpan, at offset: Int, into buffer: inout OutputBuffer) throws(BSONError) {
        let start = buffer.count
        buffer.append(int32: 0)
        // Nil behind a name that no rule has.
        var node: Int? = 0
        var parts = try BSONCursor(document: bytes, at: offset)
        while let part = try parts.next(in: bytes) {
            buffer.append(part.type.rawValue)
            buffer.append(contentsOf: bytes, in: part.key.lowerBound..<part.key.upperBound + 1)
            guard let known = node, let text = part.text else {
                if let known = node, let position = part.integer(in: bytes) {
                    node = rules.node(ofPosition: Int(position), at: known)
                }
                buffer.append(contentsOf: bytes, in: part.value)
                continue
            }
            try writeString(into: &buffer) { buffer throws(BSONError) in
                writeName(text, FieldRules.Match(fate: .keep, isRenamed: true), of: bytes, node: known, into: &buffer)
            }
            node = end(of: text, of: bytes, from: known)
        }
        buffer.append(0 as UInt8)
        buffer.setLength(at: start)
    }

    private func end(of name: Range<Int>, of bytes: RawSpan, from start: Int) -> Int? {
        var (node, position) = (start, name.lowerBound)
        while let step = rules.step(from: node, at: position, in: name, of: bytes) {
            node = step.node
            if step.end == name.upperBound { return node }
            position = step.end + 1
        }
        return nil
    }

    private func writeItemHead(_ type: BSONType, _ position: inout Int64, into buffer: inout OutputBuffer) {
        buffer.append(type.rawValue)
        buffer.append(decimal: position)
        buffer.append(0 as UInt8)
        position += 1
    }
}
