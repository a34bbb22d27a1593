extension FieldRules {
    /// The rules of a document. Paths are lists of names; all of them name fields as the documents have them, before
    /// any is renamed.
    ///
    /// - Parameters:
    ///   - include: the only fields that stay, and `_id`; nil for all of them.
    ///   - rename: the last name of a path becomes another one.
    package init(
        include: [[String]]? = nil, exclude: [[String]] = [], rename: [(path: [String], name: String)] = [],
        mask: [(path: [String], mask: FieldMask)] = []
    ) {
        let root = Draft(name: "")
        for path in include.map({ $0 + [["_id"]] }) ?? [[]] { root.child(at: path).isIncluded = true }
        for path in exclude { root.child(at: path).effect = .exclude }
        for (path, mask) in mask { root.child(at: path).effect = .mask(mask) }
        for (path, name) in rename {
            root.child(at: path).newName = name
            root.child(at: path.dropLast() + [name]).source = path.last
        }
        var flat = Flat()
        flat.add(root, keepsOthers: root.isIncluded)
        nodes = flat.nodes
        children = flat.children
        names = flat.names
        renamesFields = !rename.isEmpty
        needsKey = mask.contains { $0.mask == .hash }
    }

    /// A node under construction.
    private final class Draft {
        let name: String
        var children: [Draft] = []
        var effect = Effect.none
        var isIncluded = false
        var newName: String?
        var source: String?

        init(name: String) { self.name = name }

        func child(at path: some Collection<String>) -> Draft {
            guard let first = path.first else { return self }
            let child: Draft
            // Byte for byte, as names are equal in MongoDB.
            if let known = children.first(where: { $0.name.utf8.elementsEqual(first.utf8) }) {
                child = known
            } else {
                child = Draft(name: first)
                children.append(child)
            }
            return child.child(at: path.dropFirst())
        }
    }

    private struct Flat {
        var nodes: [Node] = []
        var children: [Child] = []
        var names: [UInt8] = []

        mutating func add(_ draft: Draft, keepsOthers: Bool) {
            let index = nodes.count
            nodes.append(Node())
            var node = Node()
            node.effect = draft.effect
            node.keepsOthers = keepsOthers
            node.newName = draft.newName.map { add($0) }
            node.source = draft.source.map { add($0) }
            var own: [Child] = []
            // Where only what rules name stays, a field that happens to have a new name does not.
            for child in draft.children where keepsOthers || child.source == nil {
                own.append(Child(name: add(child.name), position: Self.position(child.name), node: nodes.count))
                add(child, keepsOthers: keepsOthers || child.isIncluded)
                if let first = child.name.utf8.first { node.firstBytes |= 1 << UInt64(first & 63) }
            }
            node.namesPositions = own.contains { $0.position >= 0 }
            node.children = children.count..<children.count + own.count
            children += own
            nodes[index] = node
        }

        private mutating func add(_ name: String) -> Range<Int> {
            let start = names.count
            names += name.utf8
            return start..<names.count
        }

        private static func position(_ name: String) -> Int {
            guard name.utf8.count <= maxPositionDigits, let number = Int(name), String(number) == name, number >= 0 else { return -1 }
            return number
        }
    }
}
