import Mongo
import Testing

@testable import StreamBridge

/// A server whose oplog forgets soon.
enum TinyOplog {
    /// Only what a checkpoint has made superfluous for recovery is cut, so there is one every second.
    static let arguments = ["--oplogSize", "4", "--syncdelay", "1"]

    /// Writes until the oplog's oldest entry is behind `time`.
    static func roll(beyond time: BSONTimestamp, on scene: Scene) throws {
        try write(on: scene) { $0.oldest > time }
    }

    /// Writes noise until the oplog is as wanted.
    static func write(on scene: Scene, until isDone: (OplogWindow) -> Bool) throws {
        let text = BSONValue.string(String(repeating: "x", count: 1 << 20))
        let deployment = try Deployment(of: scene.pool)
        var batches = 0
        while !isDone(try deployment.oplogWindow(pool: scene.pool)) {
            try scene.insert((0..<8).map { _ in ["text": text] }, into: "noise")
            batches += 1
            try #require(batches < 500, "the oplog was not cut")
        }
    }
}
