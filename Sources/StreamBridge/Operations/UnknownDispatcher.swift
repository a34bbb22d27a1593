/// A dispatcher that the configuration does not have.
package struct UnknownDispatcher: Error, Equatable, CustomStringConvertible {
    package let name: String
    package let known: [String]

    package var description: String {
        guard !known.isEmpty else { return "there is no dispatcher \(name.quoted): the configuration has none" }
        let nearest = NearestName.of(name, among: known).map { "; did you mean \($0.quoted)?" } ?? ";"
        return "there is no dispatcher \(name.quoted)\(nearest) known: \(known.joined(separator: ", "))"
    }
}

extension BridgeConfiguration {
    package func dispatcher(_ name: String) throws(UnknownDispatcher) -> DispatcherSettings {
        guard let found = dispatchers.first(where: { $0.name == name }) else {
            throw UnknownDispatcher(name: name, known: dispatchers.map(\.name))
        }
        return found
    }
}
