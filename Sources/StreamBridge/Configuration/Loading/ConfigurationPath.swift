/// The key path of a value: `streams[0].format`.
struct ConfigurationPath: Sendable, CustomStringConvertible {
    private enum Component: Sendable {
        case key(String)
        case index(Int)
    }

    private var components: [Component] = []

    static let root = ConfigurationPath()

    func appending(key: String) -> ConfigurationPath { appending(.key(key)) }

    func appending(index: Int) -> ConfigurationPath { appending(.index(index)) }

    private func appending(_ component: Component) -> ConfigurationPath {
        var path = self
        path.components.append(component)
        return path
    }

    /// The key at its end.
    var lastKey: String {
        if case .key(let key) = components.last { key } else { "" }
    }

    /// As users read it: `streams[0].format`.
    var description: String {
        components.reduce(into: "") { text, component in
            switch component {
            case .key(let key): text += text.isEmpty ? key : ".\(key)"
            case .index(let number): text += "[\(number)]"
            }
        }
    }
}
