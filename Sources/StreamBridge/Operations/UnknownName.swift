/// A name on the command line that the configuration does not have.
package struct UnknownName: Error, Equatable, CustomStringConvertible {
    /// What it should name: "stream", for example.
    package let kind: String
    package let name: String
    package let known: [String]

    package var description: String {
        guard !known.isEmpty else { return "there is no \(kind) \(name.quoted): the configuration has none" }
        let nearest = NearestName.of(name, among: known).map { "; did you mean \($0.quoted)?" } ?? ";"
        return "there is no \(kind) \(name.quoted)\(nearest) known: \(known.joined(separator: ", ").harmlessLine)"
    }
}

extension BridgeConfiguration {
    package func stream(_ name: String) throws(UnknownName) -> StreamSettings {
        guard let found = streams.first(where: { $0.name == name }) else {
            throw UnknownName(kind: "stream", name: name, known: streams.map(\.name))
        }
        return found
    }

    package func dispatcher(_ name: String) throws(UnknownName) -> DispatcherSettings {
        guard let found = dispatchers.first(where: { $0.name == name }) else {
            throw UnknownName(kind: "dispatcher", name: name, known: dispatchers.map(\.name))
        }
        return found
    }
}
