import Mongo

/// How to reach MongoDB.
package struct MongoDBSettings: Sendable, Equatable {
    /// A driver URI; may hold credentials, so it is printed only through ``ConnectionURI/redacted(_:)``.
    package var uri: String
    package var maxPoolSize: Int
    package var serverSelectionTimeout: Duration
    package var writeConcern: WriteConcern

    package typealias WriteConcern = Mongo.WriteConcern
}
