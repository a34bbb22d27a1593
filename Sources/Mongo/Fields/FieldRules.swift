import Runtime

/// Which fields of documents are left out, renamed and masked: a tree of their names, which a walk over a document
/// descends.
///
/// The names of a path follow one another with dots between them, in a document as in an update's `updatedFields`. So a
/// field whose name has dots in it is a path as well. What is in an array belongs to the array's path: positions are
/// left out of paths, unless a rule names one. A name that is a number of up to seven digits is a position, where no
/// rule names it: no array of a document has more elements.
///
/// Made once, followed for every event without allocating.
package struct FieldRules: Sendable {
    /// What a rule does with a field.
    enum Effect: Sendable, Equatable {
        case none, exclude
        case mask(FieldMask)
    }

    struct Node: Sendable {
        /// In ``FieldRules/children``.
        var children = 0..<0
        /// Of the children's names: a bit for each value of the low six bits.
        var firstBytes: UInt64 = 0
        /// A child's name may be a position in an array.
        var namesPositions = false
        var effect = Effect.none
        /// Fields that no rule names stay.
        var keepsOthers = true
        /// Another name for the field, in ``FieldRules/names``.
        var newName: Range<Int>?
        /// The name of the sibling that gets this field's name.
        var source: Range<Int>?

        /// Nothing is to be done with the field and all that is in it.
        var isPlain: Bool { children.isEmpty && effect == .none && keepsOthers && newName == nil && source == nil }
    }

    struct Child: Sendable {
        /// In ``FieldRules/names``.
        let name: Range<Int>
        /// The name as a position in an array, or -1.
        let position: Int
        let node: Int
    }

    /// What becomes of a field.
    struct Match {
        enum Fate: Equatable {
            case keep, exclude
            case mask(FieldMask)
            /// What is in it is looked at from this node on.
            case descend(Int)
        }

        var fate: Fate
        var isRenamed = false
        /// The field has a name that rules give to another one.
        var hasTakenName = false
        /// The name ends with a position in an array.
        var isElement = false
    }

    /// The first is that of the document itself.
    let nodes: [Node]
    let children: [Child]
    let names: [UInt8]
    let renamesFields: Bool
    /// Whether a mask is a hash, which needs a key.
    package let needsKey: Bool

    // MARK: Following a path

    /// Whether a field's name can mean anything to the rules of a node: false only for what stays as it is.
    @inline(__always)
    func concern(_ key: Range<Int>, of bytes: RawSpan, at node: Int) -> Bool {
        guard nodes[node].keepsOthers, !key.isEmpty else { return true }
        let first = bytes.byte(at: key.lowerBound)
        return nodes[node].firstBytes &>> UInt64(first & 63) & 1 == 1
    }

    /// What becomes of the field of this name, which may be a dotted path, in a document at a node.
    func match(_ key: Range<Int>, of bytes: RawSpan, at start: Int) -> Match {
        var node = start
        var position = key.lowerBound
        var isRenamed = false
        while let step = step(from: node, at: position, in: key, of: bytes) {
            node = step.node
            switch nodes[node].effect {
            case .none: break
            case .exclude: return Match(fate: .exclude)
            case .mask(let mask):
                // A name below a masked field is a part of what nobody is to see.
                guard isPositions(step.end, before: key.upperBound, of: bytes) else { return Match(fate: .exclude) }
                return Match(fate: .mask(mask), isRenamed: isRenamed || nodes[node].newName != nil)
            }
            if !step.isPosition, nodes[node].newName != nil { isRenamed = true }
            guard step.end < key.upperBound else {
                return Match(
                    fate: nodes[node].isPlain ? .keep : .descend(node), isRenamed: isRenamed,
                    hasTakenName: !step.isPosition && nodes[node].source != nil, isElement: step.isPosition)
            }
            position = step.end + 1
        }
        return Match(fate: nodes[node].keepsOthers ? .keep : .exclude, isRenamed: isRenamed)
    }

    struct Step {
        let node: Int
        /// Behind the name.
        let end: Int
        /// The name is a position that no rule names.
        let isPosition: Bool
    }

    /// The node of the name that begins at `start`; nil for one that no rule names. The first name of a path is that of
    /// a field, and never a position: paths begin in documents.
    @inline(__always)
    func step(from node: Int, at start: Int, in path: Range<Int>, of bytes: RawSpan) -> Step? {
        let end = path.upperBound
        guard start < end else { return nil }
        let first = bytes.byte(at: start)
        if nodes[node].firstBytes &>> UInt64(first & 63) & 1 == 1 {
            for index in nodes[node].children {
                let name = children[index].name
                let stop = start + name.count
                guard stop == end || (stop < end && bytes.byte(at: stop) == UInt8(ascii: ".")), isEqual(name, start, of: bytes) else {
                    continue
                }
                return Step(node: children[index].node, end: stop, isPosition: false)
            }
        }
        guard start > path.lowerBound, Self.isDigit(first) else { return nil }
        return Self.positionEnd(start, before: end, of: bytes).map { Step(node: node, end: $0, isPosition: true) }
    }

    /// The node of an array's element.
    @inline(__always)
    func node(ofPosition position: Int, at node: Int) -> Int {
        guard nodes[node].namesPositions else { return node }
        for index in nodes[node].children where children[index].position == position { return children[index].node }
        return node
    }

    private func isEqual(_ name: Range<Int>, _ start: Int, of bytes: RawSpan) -> Bool {
        for offset in 0..<name.count where names[name.lowerBound + offset] != bytes.byte(at: start + offset) { return false }
        return true
    }

    /// Whether nothing but positions follows.
    private func isPositions(_ start: Int, before end: Int, of bytes: RawSpan) -> Bool {
        var position = start
        while position < end {
            guard let next = Self.positionEnd(position + 1, before: end, of: bytes) else { return false }
            position = next
        }
        return true
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    /// Where the position that begins at `start` ends; nil when the name there is none.
    private static func positionEnd(_ start: Int, before end: Int, of bytes: RawSpan) -> Int? {
        var stop = start
        while stop < end, isDigit(bytes.byte(at: stop)) { stop += 1 }
        let count = stop - start
        guard 1...maxPositionDigits ~= count, stop == end || bytes.byte(at: stop) == UInt8(ascii: "."),
            count == 1 || bytes.byte(at: start) != UInt8(ascii: "0")
        else { return nil }
        return stop
    }

    /// A document of 16 MB has fewer than ten million elements.
    static let maxPositionDigits = 7
}
