import Yams

/// A YAML or JSON file of the project, as a tree of mappings, lists and scalars. What is not there is empty.
struct DeploymentTree {
    private let value: Any?

    private init(value: Any?) { self.value = value }

    /// - Parameter path: starts at the package's folder.
    init(path: String) throws { value = try Yams.load(yaml: try ConfigurationText.file(path)) }

    subscript(key: String) -> DeploymentTree { DeploymentTree(value: (value as? [String: Any])?[key]) }

    var text: String { value.map { "\($0)" } ?? "" }
    var list: [DeploymentTree] { (value as? [Any] ?? []).map { DeploymentTree(value: $0) } }
    var keys: Set<String> { Set((value as? [String: Any] ?? [:]).keys) }
    var isEmpty: Bool { value == nil || (value as? [Any])?.isEmpty == true }

    /// The values that a key has anywhere below.
    func all(_ key: String) -> [DeploymentTree] {
        if let mapping = value as? [String: Any] {
            return mapping.flatMap { name, value in
                let below = DeploymentTree(value: value)
                return (name == key ? [below] : []) + below.all(key)
            }
        }
        return list.flatMap { $0.all(key) }
    }
}
