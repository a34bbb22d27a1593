/// A stream that the configuration does not have.
package struct UnknownStream: Error, Equatable, CustomStringConvertible {
    package let name: String
    package let known: [String]

    package var description: String { UnknownName.sentence("stream", name, known: known) }
}

extension BridgeConfiguration {
    package func stream(_ name: String) throws(UnknownStream) -> StreamSettings {
        guard let found = streams.first(where: { $0.name == name }) else { throw UnknownStream(name: name, known: streams.map(\.name)) }
        return found
    }
}
