@testable import StreamBridge

extension StreamSettings {
    /// The stream of the tests: the defaults, at-least-once.
    static func sample(_ change: (inout StreamSettings) -> Void = { _ in }) -> StreamSettings {
        var stream = StreamSettings(
            name: "inventory", watch: .collection(Namespace(database: "lessons", collection: "inventory")), pipeline: "[]",
            fullDocument: .updateLookup, fullDocumentBeforeChange: .off, showExpandedEvents: false, startAt: .now,
            topic: .sample, key: .documentKey, format: .relaxed, content: .event, tombstones: false, delivery: .atLeastOnce,
            onLostPosition: .halt)
        change(&stream)
        return stream
    }
}

extension TextTemplate {
    /// `mongo.{db}.{coll}`
    static let sample = TextTemplate(segments: [.literal("mongo."), .placeholder(["db"]), .literal("."), .placeholder(["coll"])])
}
