import CMongo

/// Why no server can be used although some answer: what they say of themselves is not what the URI asks for.
package struct TopologyFault: Sendable, Equatable {
    package let reason: String
    package let remedy: String
    /// What fixes it is in the URI; otherwise it may pass, as an election does, or when a member is started.
    package let isOfConfiguration: Bool

    /// A server that was asked what it is.
    struct Member: Sendable, Equatable {
        static let unknown = "Unknown"

        let host: String
        /// The driver's word: `RSPrimary`, `Standalone`, `Unknown`.
        let type: String
        var replicaSet: String?
        var tags: [String: String] = [:]
        /// The members of its replica set that may be read from, by its own word.
        var peers: [String] = []

        init(host: String, type: String, replicaSet: String? = nil, tags: [String: String] = [:], peers: [String] = []) {
            self.host = host
            self.type = type
            self.replicaSet = replicaSet
            self.tags = tags
            self.peers = peers
        }

        /// - Parameter description: the driver's.
        init(_ description: OpaquePointer) {
            let host = withUnsafeBytes(of: mongoc_server_description_host(description).pointee.host_and_port) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            let hello = mongoc_server_description_hello_response(description).flatMap { BSONDocument(copying: $0) }
            let tags = (try? hello?["tags"]?.documentValue?.fields()) ?? []
            self.init(
                host: host, type: String(cString: mongoc_server_description_type(description)),
                replicaSet: hello?["setName"]?.stringValue,
                tags: Dictionary(tags.compactMap { tag in tag.value.stringValue.map { (tag.key, $0) } }) { $1 },
                peers: ["hosts", "passives"].flatMap { hello?[$0]?.arrayValue ?? [] }.compactMap(\.stringValue))
        }

        var answers: Bool { type != Self.unknown }

        /// What it is in the words of people: `primary`.
        var role: String {
            switch type {
            case "RSPrimary": "primary"
            case "RSSecondary": "secondary"
            case "RSArbiter": "arbiter"
            case "RSGhost": "not a member yet"
            case "RSOther": "neither primary nor secondary now"
            case "Standalone": "a standalone server"
            case "Mongos": "a mongos"
            default: type
            }
        }

        var shownTags: String { tags.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }.joined(separator: ",") }
    }

    /// What the URI asks for.
    struct Wanted: Sendable, Equatable {
        var replicaSet: String?
        /// As the URI writes it: `secondaryPreferred`.
        var readPreference = "primary"
        /// One set of tags after the other; an empty one takes every member.
        var tagSets: [[String: String]] = []
        var hosts: [String] = []

        init(
            replicaSet: String? = nil, readPreference: String = "primary", tagSets: [[String: String]] = [], hosts: [String] = []
        ) {
            self.hosts = hosts
            self.replicaSet = replicaSet
            self.readPreference = readPreference
            self.tagSets = tagSets
        }

        /// - Parameter uri: libmongoc's.
        init(_ uri: OpaquePointer) {
            replicaSet = mongoc_uri_get_replica_set(uri).map { String(cString: $0) }
            var host = mongoc_uri_get_hosts(uri)
            while let next = host {
                hosts.append(withUnsafeBytes(of: next.pointee.host_and_port) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
                host = UnsafePointer(next.pointee.next)
            }
            guard let preference = mongoc_uri_get_read_prefs_t(uri) else { return }
            readPreference =
                switch mongoc_read_prefs_get_mode(preference) {
                case MONGOC_READ_SECONDARY: "secondary"
                case MONGOC_READ_PRIMARY_PREFERRED: "primaryPreferred"
                case MONGOC_READ_SECONDARY_PREFERRED: "secondaryPreferred"
                case MONGOC_READ_NEAREST: "nearest"
                default: "primary"
                }
            let sets = mongoc_read_prefs_get_tags(preference).flatMap { BSONDocument(copying: $0) }
            tagSets = ((try? sets?.fields()) ?? []).compactMap { set in
                let tags = (try? set.value.documentValue?.fields()) ?? []
                return Dictionary(tags.compactMap { tag in tag.value.stringValue.map { (tag.key, $0) } }) { $1 }
            }
        }
    }

    /// Nil when no server answers, or when nobody can tell what is wrong with those that do.
    init?(_ wanted: Wanted, members: [Member]) {
        let answering = members.filter(\.answers).sorted { $0.host < $1.host }
        guard !answering.isEmpty else { return nil }
        // What those that do not answer are is not known: nobody can call the URI wrong then.
        let silent = Set((wanted.hosts + answering.flatMap(\.peers)).map { $0.lowercased() })
            .subtracting(answering.map { $0.host.lowercased() }).sorted()
        if let set = wanted.replicaSet, let stranger = Self.stranger(to: set, among: answering, isWhole: silent.isEmpty) {
            self = stranger
            return
        }
        let shown = answering.map { "\($0.host) (\($0.role))" }.joined(separator: ", ")
        let serving = answering.filter { member in
            switch wanted.readPreference {
            case "primary": member.type == "RSPrimary"
            case "secondary": member.type == "RSSecondary"
            default: member.type == "RSPrimary" || member.type == "RSSecondary"
            }
        }
        guard !serving.isEmpty else {
            self.init(
                reason: wanted.readPreference == "primary"
                    ? "no member is primary now; those that answer are \(shown)"
                    : "readPreference=\(wanted.readPreference) has no member to read from; those that answer are \(shown)",
                remedy: wanted.readPreference == "secondary"
                    ? "Start a secondary, or write readPreference=secondaryPreferred in mongodb.uri"
                    : "See rs.status(): a majority of the voting members has to be up to elect a primary",
                isOfConfiguration: false)
            return
        }
        let suits = serving.contains { member in
            wanted.tagSets.isEmpty || wanted.tagSets.contains { $0.allSatisfy { member.tags[$0.key] == $0.value } }
        }
        guard !suits else { return nil }
        let tags = serving.map { "\($0.host) (\($0.tags.isEmpty ? "no tags" : $0.shownTags))" }.joined(separator: ", ")
        self.init(
            reason: "no member that readPreference=\(wanted.readPreference) may read from has the tags of mongodb.uri; there are \(tags)",
            remedy: (silent.isEmpty ? "Correct" : "Start what does not answer (\(silent.joined(separator: ", "))), or correct")
                + " readPreferenceTags in mongodb.uri, or the tags of the members (rs.conf())",
            isOfConfiguration: silent.isEmpty)
    }

    /// Why servers that answer are none of the replica set; nil when one of them is.
    ///
    /// - Parameter isWhole: nobody is silent.
    private static func stranger(to set: String, among answering: [Member], isWhole: Bool) -> TopologyFault? {
        guard !answering.contains(where: { $0.replicaSet == set }), let first = answering.first else { return nil }
        let (what, remedy): (String, String) =
            switch (first.replicaSet, first.type) {
            case (let theirs?, _):
                ("belongs to replica set \(theirs)", "Write replicaSet=\(theirs) in mongodb.uri, or name the servers of \(set)")
            case (nil, "Mongos"): ("is a mongos", "Remove replicaSet from mongodb.uri")
            case (nil, "RSGhost"): ("belongs to no replica set yet", "Run rs.initiate() once; one member is enough")
            default:
                ("is a standalone server", "Start it with --replSet \(set) and run rs.initiate() once, or name the servers of \(set)")
            }
        return TopologyFault(
            reason: "\(first.host) answers and \(what), and mongodb.uri says replicaSet=\(set)", remedy: remedy,
            // A set that is still to be initiated soon is.
            isOfConfiguration: isWhole && first.type != "RSGhost")
    }

    private init(reason: String, remedy: String, isOfConfiguration: Bool) {
        self.reason = reason
        self.remedy = remedy
        self.isOfConfiguration = isOfConfiguration
    }
}
