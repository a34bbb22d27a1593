/// Names of topics from a template and a namespace.
enum TopicName {
    /// Kafka's limit on a topic name (Topic.MAX_NAME_LENGTH).
    static let maximumLength = 249

    /// Renders `{db}` and `{coll}`.
    ///
    /// Where the event has no collection (dropDatabase) or no database, the placeholder is left out together with the
    /// separator before it, so `mongo.{db}.{coll}` becomes `mongo.lessons`. Characters that Kafka does not allow in a
    /// name become `_`, as Debezium does.
    static func render(_ template: TextTemplate, for namespace: Namespace) -> String {
        var name = ""
        for segment in template.segments {
            switch segment {
            case .literal(let text): name += text
            case .placeholder(let path):
                let value = path == ["coll"] ? namespace.collection : namespace.database
                if value.isEmpty {
                    if let last = name.last, ".-_".contains(last) { name.removeLast() }
                } else {
                    name += value
                }
            }
        }
        while let first = name.first, namespace.database.isEmpty || namespace.collection.isEmpty, ".-_".contains(first) {
            name.removeFirst()
        }
        if name.isEmpty { name = namespace.database.isEmpty ? "cluster" : namespace.database }
        return legal(name)
    }

    /// What the names for all events of a database, or of the cluster, begin with: everything before the first
    /// placeholder that is not known.
    ///
    /// - Parameter database: nil for the cluster.
    /// - Returns: nil when there is no such placeholder, so that all events have one topic.
    static func fixedPart(of template: TextTemplate, database: String?) -> String? {
        var name = ""
        for segment in template.segments {
            switch segment {
            case .literal(let text): name += text
            case .placeholder(let path):
                guard path != ["coll"], let database else { return legal(name) }
                name += database
            }
        }
        return nil
    }

    private static func legal(_ name: String) -> String {
        String(String.UnicodeScalarView(name.unicodeScalars.map { isAllowed($0) ? $0 : "_" }))
    }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", ".", "_", "-": true
        default: false
        }
    }
}
