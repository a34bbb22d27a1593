import Mongo

@testable import StreamBridge

/// Scenes of operations that look back at what a stream has published.
extension Scene {
    /// Documents whose `_id` are these numbers.
    static func numbers(_ range: Range<Int32>) -> [BSONDocument] { range.map { ["_id": .int32($0)] } }

    static func tokens(_ records: some Sequence<TestRecord>) -> [String] { records.map(\.token) }

    func exactlyOnceStream(_ name: String = "fruits", _ change: (inout StreamSettings) -> Void = { _ in }) -> StreamSettings {
        stream(name) {
            $0.delivery = .exactlyOnce
            change(&$0)
        }
    }

    /// A scene in which `count` inserts were published by an exactly-once stream and the bridge has stopped.
    ///
    /// - Parameter prepare: makes the operation's topics.
    static func playPublished(
        _ count: Int32, _ prepare: @escaping @Sendable (Scene) throws -> Void,
        _ body: @escaping @Sendable (_ scene: Scene, _ stream: StreamSettings, _ published: [TestRecord]) throws -> Void
    ) async throws {
        try await play { scene in
            try prepare(scene)
            try scene.insert(numbers(0..<count))
            let stream = scene.exactlyOnceStream()
            try body(scene, stream, try scene.publish([stream], count: Int(count)))
        }
    }
}
