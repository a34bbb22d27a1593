/// The names that the bridge, MongoDB and Kafka accept.
enum LegalName {
    /// The longest name of a bridge or a stream: both together stay below Kafka's 249 characters for topics and groups.
    static let maximumLength = 100

    /// A name that can be a part of Kafka topics and consumer groups.
    static func bridgePart(_ text: String) throws(ConfigurationComplaint) -> String {
        guard !text.isEmpty else { throw ConfigurationComplaint("write at least one letter or digit") }
        if let character = text.first(where: { !isTopicCharacter($0) }) {
            throw ConfigurationComplaint(
                "\(String(character).quoted) is not legal in names of Kafka topics and groups; use letters, digits, `.`, `_` and `-`")
        }
        guard text.count <= maximumLength else {
            throw ConfigurationComplaint("it has \(text.count) characters; allowed are \(maximumLength)")
        }
        return text
    }

    /// Whether Kafka allows a character in names of topics.
    static func isTopicCharacter(_ character: Character) -> Bool {
        guard let byte = character.asciiValue, character.utf8.count == 1 else { return false }
        return byte.isASCIILetterOrDigit || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }

    /// A topic for records that the bridge reads or writes on behalf of its users.
    static func topic(_ text: String, bridge: String?) throws(ConfigurationComplaint) -> String {
        guard !text.isEmpty else { throw ConfigurationComplaint("write the name of a topic") }
        if text.contains("{") || text.contains("}") {
            throw ConfigurationComplaint("write the name of one topic; there are no placeholders here")
        }
        try checkTopicCharacters(text)
        try checkTopic(text)
        if let bridge, text.hasPrefix("bridge.\(bridge).") {
            throw ConfigurationComplaint("topics whose names begin with `bridge.\(bridge).` belong to the bridge itself")
        }
        return text
    }

    /// Throws for a character that Kafka does not allow in names of topics.
    static func checkTopicCharacters(_ text: String) throws(ConfigurationComplaint) {
        if let character = text.first(where: { !isTopicCharacter($0) }) {
            throw ConfigurationComplaint(
                "\(String(character).quoted) is not legal in names of Kafka topics; use letters, digits, `.`, `_` and `-`")
        }
    }

    /// Throws for a name that Kafka does not allow, or keeps for itself, though its characters are legal.
    static func checkTopic(_ text: String) throws(ConfigurationComplaint) {
        guard text.count <= 249 else { throw ConfigurationComplaint("names of Kafka topics have at most 249 characters") }
        guard text != ".", text != ".." else { throw ConfigurationComplaint("Kafka has no topics named . and ..") }
        guard !["__consumer_offsets", "__transaction_state"].contains(text) else {
            throw ConfigurationComplaint("this topic belongs to Kafka itself")
        }
    }

    /// A database that change streams can watch.
    static func database(_ text: String) throws(ConfigurationComplaint) -> String {
        guard !text.isEmpty else { throw ConfigurationComplaint("name a database: \"db.coll\", \"db\" or \"*\"") }
        if let character = text.unicodeScalars.first(where: { "/\\. \"$*<>:|?".unicodeScalars.contains($0) || $0.value < 32 }) {
            throw ConfigurationComplaint("\(String(character).quoted) is not legal in names of MongoDB databases")
        }
        guard text.utf8.count <= 63 else {
            throw ConfigurationComplaint("names of MongoDB databases have at most 63 bytes; this one has \(text.utf8.count)")
        }
        guard !["admin", "local", "config"].contains(text) else {
            throw ConfigurationComplaint("MongoDB has no change streams on the databases admin, local and config")
        }
        return text
    }

    /// A collection that change streams can watch.
    static func collection(_ text: String) throws(ConfigurationComplaint) -> String {
        guard !text.isEmpty else { throw ConfigurationComplaint("name a collection after the dot, or write \"db\" for all of them") }
        guard !text.contains("$"), !text.contains("\0") else {
            throw ConfigurationComplaint("`$` is not legal in names of MongoDB collections")
        }
        guard !text.hasPrefix("system.") else {
            throw ConfigurationComplaint("MongoDB has no change streams on system collections")
        }
        return text
    }
}
