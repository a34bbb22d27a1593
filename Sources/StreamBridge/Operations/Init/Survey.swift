import Mongo

/// What was found on both sides.
package struct Survey: Sendable, Equatable {
    struct Collection: Sendable, Equatable {
        let namespace: Namespace
        var isCapped = false
        var keepsImages = false
        /// By the metadata; nil where the account may not count.
        var documents: Int64?
    }

    /// What the server has of one scope.
    struct Watched: Sendable, Equatable {
        let scope: WatchScope
        /// Those that have a change stream; nil where the account may not list them.
        var collections: [Collection]?
        /// Named, and not there.
        var missing: [Namespace] = []
        /// What is there and has a similar name, for the first one that is missing.
        var similar: String?
        /// The topics that are there already, with their partitions.
        var topics: [String: Int] = [:]
    }

    let deployment: Deployment
    /// The URI names one member and no replica set, so the driver would not follow an election: this is the set to
    /// name.
    var unnamedReplicaSet: String?
    let brokers: Int
    let watched: [Watched]
}
