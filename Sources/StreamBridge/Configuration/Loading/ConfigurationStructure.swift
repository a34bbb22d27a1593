/// Compares a file with the list of keys: unknown keys, and values that are a list, a mapping or a scalar where they
/// may not be.
struct ConfigurationStructure {
    let reading: ConfigurationReading

    /// The same value with everything taken out that was reported, so that no reader reports it again.
    /// A mapping or list that is written but empty (`topics:`) is an empty one.
    func checked(_ root: ConfigurationValue) -> ConfigurationValue {
        guard case .mapping(let entries) = root.content else {
            if !root.isBroken {
                let keys = ConfigurationKey.children(of: "").map(\.name).joined(separator: ", ")
                reading.report(root.mark, .root, "found \(root.kind) where the whole file is one mapping", "write keys: \(keys)")
            }
            return ConfigurationValue(content: .broken, mark: root.mark)
        }
        return ConfigurationValue(content: .mapping(checked(entries, path: .root, schema: "")), mark: root.mark)
    }

    private func checked(
        _ entries: [ConfigurationValue.Entry], path: ConfigurationPath, schema: String
    ) -> [ConfigurationValue.Entry] {
        entries.compactMap { entry in
            let entryPath = path.appending(key: entry.key)
            guard let key = ConfigurationKey.child(of: schema, named: entry.key) else {
                reading.report(entry.keyMark, entryPath, "unknown key", remedy(unknown: entry.key, schema: schema))
                return nil
            }
            var checked = entry
            checked.value = self.checked(entry.value, key: key, path: entryPath, keyMark: entry.keyMark)
            return checked
        }
    }

    private func checked(
        _ value: ConfigurationValue, key: ConfigurationKey, path: ConfigurationPath, keyMark: ConfigurationMark
    ) -> ConfigurationValue {
        let broken = ConfigurationValue(content: .broken, mark: value.mark)
        switch value.content {
        case .broken:
            return value
        case .scalar(let scalar):
            if scalar.isNull, !key.shape.contains(.scalar) {
                let isList = key.shape.contains(.list) || key.shape.contains(.sections)
                return ConfigurationValue(content: isList ? .list([]) : .mapping([]), mark: keyMark)
            }
            if key.shape.contains(.scalar) { return value }
        case .list(let items):
            if key.shape.contains(.sections) {
                return ConfigurationValue(content: .list(sections(items, path: path, schema: key.path + "[]")), mark: value.mark)
            }
            if key.shape.contains(.list) { return value }
        case .mapping(let entries):
            if key.shape.contains(.mapping) {
                if key.shape.contains(.verbatim) { return value }
                return ConfigurationValue(content: .mapping(checked(entries, path: path, schema: key.path)), mark: value.mark)
            }
        }
        reading.report(value.mark, path, "found \(value.kind)", remedy(shapeOf: key, path: path, found: value))
        return broken
    }

    private func sections(_ items: [ConfigurationValue], path: ConfigurationPath, schema: String) -> [ConfigurationValue] {
        items.enumerated().map { index, item in
            let itemPath = path.appending(index: index)
            switch item.content {
            case .mapping(let entries):
                return ConfigurationValue(content: .mapping(checked(entries, path: itemPath, schema: schema)), mark: item.mark)
            case .broken:
                return item
            case .scalar, .list:
                let keys = ConfigurationKey.children(of: schema).map(\.name).joined(separator: ", ")
                reading.report(item.mark, itemPath, "found \(item.kind)", "write a mapping with the keys \(keys)")
                return ConfigurationValue(content: .broken, mark: item.mark)
            }
        }
    }

    // MARK: Sentences

    private func remedy(unknown name: String, schema: String) -> String {
        let allowed = ConfigurationKey.children(of: schema).map(\.name)
        let list = allowed.isEmpty ? "no keys are allowed here" : "allowed here: \(allowed.joined(separator: ", "))"
        if let nearest = NearestName.of(name, among: allowed) { return "did you mean `\(nearest)`? \(list)" }
        let namesakes = ConfigurationKey.all.filter { $0.name == name }
        // The nearer one: `label` of a dispatcher belongs under its `resource`.
        if let elsewhere = namesakes.first(where: { !schema.isEmpty && $0.parent.hasPrefix("\(schema).") }) ?? namesakes.first {
            return "it belongs under `\(elsewhere.parent.isEmpty ? "the top of the file" : elsewhere.parent)`; \(list)"
        }
        return list
    }

    private func remedy(shapeOf key: ConfigurationKey, path: ConfigurationPath, found value: ConfigurationValue) -> String {
        if key.isWildcard, key.parent.hasPrefix("kafka") || key.parent == "topics.config" {
            let name = path.lastKey
            let siblings = ConfigurationKey.children(of: key.parent).filter { !$0.isWildcard }.map(\.name)
            if let nearest = NearestName.of(name, among: siblings) { return "did you mean `\(nearest)`?" }
            return "a property is one value, and its name is written with dots, such as `bootstrap.servers: 127.0.0.1:9092`"
        }
        if case .mapping = value.content, key.type.contains("template") {
            return "put the template in quotes: a brace begins a mapping in YAML"
        }
        if key.shape.contains(.sections) {
            return "write a list: each item begins with `- ` and has the keys "
                + ConfigurationKey.children(of: key.path + "[]").map(\.name).joined(separator: ", ")
        }
        if key.shape == .mapping {
            let children = ConfigurationKey.children(of: key.path)
            guard !children.allSatisfy(\.isWildcard) else { return "write a \(key.type)" }
            return "write a mapping with the keys \(children.map(\.name).joined(separator: ", "))"
        }
        return "allowed: \(key.type)"
    }
}
