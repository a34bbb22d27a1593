/// A dispatcher that the configuration does not have.
package struct UnknownDispatcher: Error, Equatable, CustomStringConvertible {
    package let name: String
    package let known: [String]

    package var description: String { UnknownName.sentence("dispatcher", name, known: known) }
}

extension BridgeConfiguration {
    package func dispatcher(_ name: String) throws(UnknownDispatcher) -> DispatcherSettings {
        guard let found = dispatchers.first(where: { $0.name == name }) else {
            throw UnknownDispatcher(name: name, known: dispatchers.map(\.name))
        }
        return found
    }
}
