import Mongo

extension StreamStatus {
    package struct Snapshot: Sendable {
        package var condition = LoopCondition()
        /// Records stored by Kafka, positions stored, since the process started.
        package var recordsPublished = 0
        package var positionsStored = 0
        /// Lost positions that the stream continued past, each with a gap record.
        package var gaps = 0
        /// This process publishes the stream.
        package var isLeader = false
        /// The newest stored position.
        package var stored: StoredPlace?
        /// How far what Kafka has stored is behind the deployment's newest cluster time, and how far the stored
        /// position is.
        package var lag: Duration?
        package var positionAge: Duration?
        /// How far back the oplog goes, when last looked at.
        package var oplogLength: Duration?
        package var figures = StreamFigures()
        /// Nothing while no session runs.
        package var load: StreamLoad?
        /// The snapshot that runs, or the one that ended last while this process led the stream.
        package var documentSnapshot: SnapshotFigures?
        /// Documents that snapshots published since the process started.
        package var documentsPublished = 0

        package var state: State { condition.state }
        /// Why it retries, halted, or stands still.
        package var reason: String? { condition.reason }
        package var storedToken: String? { stored?.token }
    }

    /// A stored position, for people.
    package struct StoredPlace: Sendable {
        /// Its text, as the header `mongodb.token` has it.
        package let token: String?
        package let clusterTime: BSONTimestamp?
        /// Milliseconds since 1970; nil for one that another session stored.
        package let storedAt: Int64?
    }
}
