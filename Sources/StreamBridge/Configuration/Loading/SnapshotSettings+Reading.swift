extension SnapshotSettings {
    /// Reads `snapshot:` of a stream; nil when something in it is wrong.
    ///
    /// - Parameter watch: what the stream watches; nil when that cannot be read.
    init?(reading stream: ConfigurationSection, watch: WatchScope?) {
        guard let located = stream.value("snapshot") else { return nil }
        guard case .mapping = located.value.content else {
            guard let when = stream.choice("snapshot", When.self) else { return nil }
            self.init(when: when)
            return
        }
        let section = stream.section("snapshot")
        let when = section.choice("when", When.self)
        let cursors = section.integer("cursors", in: 1...16)
        let filters = Self.filters(reading: section.section("filter"), watch: watch)
        guard let when, let cursors, let filters else { return nil }
        self.init(when: when, filters: filters, cursors: cursors)
    }

    private static func filters(reading section: ConfigurationSection, watch: WatchScope?) -> [Namespace: String]? {
        var filters: [Namespace: String] = [:]
        for entry in section.entries ?? [] {
            let namespace: Namespace
            do throws(ConfigurationComplaint) {
                namespace = try Namespace(parsing: entry.key)
            } catch {
                section.reading.report(entry.keyMark, section.path(of: entry.key), error.found ?? "found `\(entry.key)`", error.remedy)
                return nil
            }
            if let watch, !watch.includes(namespace) {
                section.reading.report(
                    entry.keyMark, section.path(of: entry.key), "the stream does not watch \(namespace)",
                    "name a collection that `watch` has")
            }
            guard let filter = PipelineText.query(entry.key, in: section) else { return nil }
            filters[namespace] = filter
        }
        return filters
    }
}
