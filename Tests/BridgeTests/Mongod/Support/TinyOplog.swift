import Mongo
import Testing

@testable import StreamBridge

/// A server whose oplog forgets soon.
enum TinyOplog {
    /// Only what a checkpoint has made superfluous for recovery is cut, so there is one every second.
    static let arguments = ["--oplogSize", "4", "--syncdelay", "1"]

    /// Writes until the oplog's oldest entry is behind `time`.
    static func roll(beyond time: BSONTimestamp, on scene: Scene) throws {
        try write(8 << 20, on: scene) { $0.oldest > time }
    }

    /// Writes so many bytes of noise at a time until the oplog is as wanted.
    static func write(_ bytes: Int, on scene: Scene, until isDone: (OplogWindow) -> Bool) throws {
        let document: BSONDocument = ["text": .string(String(repeating: "x", count: min(bytes, 1 << 20)))]
        let deployment = try Deployment(of: scene.pool)
        let deadline = ContinuousClock.now + Patience.limit
        while !isDone(try deployment.oplogWindow(pool: scene.pool)) {
            try scene.insert(Array(repeating: document, count: max(1, bytes >> 20)), into: "noise")
            guard .now < deadline else { throw WaitedInVain(what: "the oplog to be cut") }
        }
    }
}
