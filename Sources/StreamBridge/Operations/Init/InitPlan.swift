import Foundation

/// The configuration that follows from what somebody asked for and what was found: what `bridge init` writes, and what
/// `bridge run` runs without a file.
package struct InitPlan: Sendable, Equatable {
    struct Stream: Sendable, Equatable {
        let name: String
        let watched: Survey.Watched
        let images: Images
        let snapshot: Snapshot
    }

    /// Where updates get their document from.
    enum Images: Sendable, Equatable {
        /// Every collection keeps images.
        case kept
        /// Looked up: some keep images, some do not, or nobody can see.
        case lookedUp(because: String)
    }

    enum Snapshot: Sendable, Equatable {
        /// Nil where nobody counted.
        case initial(documents: Int64?)
        case never(because: String)
    }

    /// The environment variable that stands for the URI's password.
    static let passwordVariable = "MONGODB_PASSWORD"
    /// The least that several consumers can share.
    static let defaultPartitions = 6
    private static let maxReplicas = 3

    let name: String
    /// Without its password.
    let uri: String
    /// The URI's own; nil where it has none or names one elsewhere.
    let password: String?
    let kafka: String
    let survey: Survey
    let partitions: Int
    let streams: [Stream]
    let delivery: Delivery

    package var replicationFactor: Int { max(1, min(Self.maxReplicas, survey.brokers)) }

    /// - Throws: ``WrongUsage`` for names that the configuration would refuse.
    package init(_ request: InitRequest, survey: Survey, delivery: Delivery) throws(WrongUsage) {
        let scopes = try request.scopes()
        name = try request.bridge(of: scopes)
        let parted = ConnectionURI.replacingPassword(of: request.mongodb, with: "${\(Self.passwordVariable)}")
        password = parted?.password
        let whole = parted?.uri ?? request.mongodb
        uri = survey.unnamedReplicaSet.map { ConnectionURI.adding("replicaSet=\($0)", to: whole) } ?? whole
        kafka = request.kafka
        self.survey = survey
        self.delivery = delivery
        partitions = survey.watched.flatMap(\.topics.values).max() ?? Self.defaultPartitions
        streams = survey.watched.map { watched in
            Stream(
                name: InitNames.stream(of: watched.scope, among: scopes), watched: watched, images: Self.images(watched),
                snapshot: Self.snapshot(watched, survey.deployment))
        }
    }

    private static func images(_ watched: Survey.Watched) -> Images {
        guard let collections = watched.collections else { return .lookedUp(because: "the account may not see whether images are kept") }
        let without = collections.filter { !$0.keepsImages }.map { "\($0.namespace)" } + watched.missing.map { "\($0)" }
        switch (collections.isEmpty && without.isEmpty, without.count) {
        case (true, _): return .lookedUp(because: "there is no collection yet")
        case (_, 0): return .kept
        case (_, 1): return .lookedUp(because: "\(without[0]) keeps no pre- and post-images")
        default: return .lookedUp(because: "\(without.count) collections keep no pre- and post-images")
        }
    }

    private static func snapshot(_ watched: Survey.Watched, _ deployment: Deployment) -> Snapshot {
        guard deployment.readsSnapshots else { return .never(because: "snapshots need MongoDB 5.0 or later") }
        guard let collections = watched.collections else { return .never(because: "the account may not list the collections") }
        let isNamed = !watched.scope.namedCollections.isEmpty
        if isNamed, let capped = collections.first(where: \.isCapped) {
            return .never(because: "\(capped.namespace) is a capped collection, which snapshots cannot read")
        }
        let copied = collections.filter { !$0.isCapped }
        let counts = copied.compactMap(\.documents)
        let isCounted = counts.count == copied.count
        let documents = counts.reduce(0, +)
        guard !isCounted || documents > 0 else { return .never(because: "there are no documents yet") }
        return .initial(documents: isCounted ? documents : nil)
    }

    // MARK: What becomes of it

    /// The configuration, as a bridge that has the password in its environment reads the text.
    ///
    /// - Parameter path: the file that it is, or would be, in.
    /// - Throws: ``ConfigurationFaults``.
    package func load(asFile path: String, environment: [String: String]) throws(ConfigurationFaults) -> BridgeConfiguration {
        var environment = environment
        if let password { environment[Self.passwordVariable] = password }
        return try ConfigurationLoader.load(
            yaml: text, source: path, environment: environment, readFile: { try TextFile.content(of: $0, limit: 1 << 20) }, checks: .drivers
        ).configuration
    }

    /// What else there is to say, for people.
    package var notes: [String] {
        var notes: [String] = []
        if password != nil {
            notes.append(
                "the password is not written into the file: set \(Self.passwordVariable) to it, as it is in the URI, wherever the bridge runs"
            )
        }
        return notes + suggestions
    }

    /// What was probably meant by names of which there is nothing.
    package var suggestions: [String] {
        survey.watched.compactMap { watched in
            guard let similar = watched.similar else { return nil }
            let name = watched.missing.first.map { "collection \($0)" } ?? "database \(watched.scope)"
            return "there is no \(name); did you mean `\(similar)`?"
        }
    }
}
