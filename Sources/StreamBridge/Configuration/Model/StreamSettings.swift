/// One change stream and where its events go.
package struct StreamSettings: Sendable, Equatable {
    package var name: String
    package var watch: WatchScope
    /// The aggregation stages as one Extended JSON array.
    package var pipeline: String
    package var fullDocument: FullDocument
    package var fullDocumentBeforeChange: FullDocumentBeforeChange
    package var showExpandedEvents: Bool
    package var startAt: StartPoint
    package var topic: TextTemplate
    package var key: RecordKey
    package var format: RecordFormat
    package var content: RecordContent
    package var tombstones: Bool
    package var delivery: Delivery
    package var onLostPosition: LostPositionPolicy
    package var snapshot = SnapshotSettings()
    /// Nil for documents as they are.
    package var fields: FieldSettings?
}
