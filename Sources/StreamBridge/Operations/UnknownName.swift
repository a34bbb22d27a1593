/// A name on the command line of something that is not there.
package struct UnknownName: Error, Equatable, CustomStringConvertible {
    /// What it should name: "stream", for example.
    package let kind: String
    package let name: String
    package let known: [String]
    /// What should have it; "the configuration" for example.
    package let owner: String

    package init(kind: String, name: String, known: [String], of owner: String) {
        self.kind = kind
        self.name = name
        self.known = known
        self.owner = owner
    }

    package var description: String {
        guard !known.isEmpty else { return "there is no \(kind) \(name.quoted): \(owner) has none" }
        let nearest = NearestName.of(name, among: known).map { "; did you mean \($0.quoted)?" } ?? ";"
        return "there is no \(kind) \(name.quoted)\(nearest) known: \(known.joined(separator: ", ").harmlessLine)"
    }
}

extension BridgeConfiguration {
    package func stream(_ name: String) throws(UnknownName) -> StreamSettings {
        guard let found = streams.first(where: { $0.name == name }) else {
            throw UnknownName(kind: "stream", name: name, known: streams.map(\.name), of: "the configuration")
        }
        return found
    }

    package func dispatcher(_ name: String) throws(UnknownName) -> DispatcherSettings {
        guard let found = dispatchers.first(where: { $0.name == name }) else {
            throw UnknownName(kind: "dispatcher", name: name, known: dispatchers.map(\.name), of: "the configuration")
        }
        return found
    }
}
