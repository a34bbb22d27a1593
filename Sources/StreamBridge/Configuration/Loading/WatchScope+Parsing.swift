extension WatchScope {
    /// Reads `db.coll`, `db` or `*`.
    init(parsing text: String) throws(ConfigurationComplaint) {
        if text == "*" {
            self = .cluster
        } else if text.contains(".") || text.contains("/") || text.contains(",") || text == "" {
            self = .collection(try Namespace(parsing: text))
        } else {
            self = .database(try LegalName.database(text))
        }
    }
}

extension Namespace {
    /// Reads `db.coll`; the first dot ends the database's name, so a collection's name may have dots.
    init(parsing text: String) throws(ConfigurationComplaint) {
        if text.isEmpty { throw ConfigurationComplaint("write \"db.coll\", \"db\", \"*\", or a list of \"db.coll\"") }
        if text.contains(",") {
            let items = text.split(separator: ",").map { $0.trimmingPrefix(while: \.isWhitespace) }.filter { !$0.isEmpty }
            throw ConfigurationComplaint("several collections are a list: [\(items.joined(separator: ", "))]")
        }
        if text == "*.*" { throw ConfigurationComplaint("write \"*\" for the whole cluster") }
        if text.hasSuffix(".*") {
            throw ConfigurationComplaint("write \"\(text.dropLast(2))\" for every collection of the database")
        }
        if text.hasPrefix(" ") || text.hasSuffix(" ") { throw ConfigurationComplaint("remove the spaces around the name") }
        guard let dot = text.firstIndex(of: ".") else {
            if let slash = text.firstIndex(of: "/") {
                throw ConfigurationComplaint("write a dot between them: \(text[..<slash]).\(text[text.index(after: slash)...])")
            }
            throw ConfigurationComplaint("name a collection as well: \(text).coll")
        }
        self.init(
            database: try LegalName.database(String(text[..<dot])),
            collection: try LegalName.collection(String(text[text.index(after: dot)...])))
        guard text.utf8.count <= 255 else {
            throw ConfigurationComplaint("database and collection have at most 255 bytes together; these have \(text.utf8.count)")
        }
    }
}
