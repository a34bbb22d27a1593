import Mongo

@testable import StreamBridge

/// A server that fails commands when a test tells it to (the server's fail point `failCommand`).
enum FailPoint {
    static let arguments = ["--setParameter", "enableTestCommands=1"]

    /// The next commands of a scene's bridge fail.
    ///
    /// Set once more, it counts on.
    ///
    /// - Parameters:
    ///   - times: nil for all of them from now on.
    ///   - skipped: how many are let through before, where all of the others fail.
    ///   - failure: `["errorCode": …]` or `["closeConnection": true]`.
    /// - Returns: how many were failed so far.
    @discardableResult
    static func fail(
        _ commands: [String], times: Int32?, after skipped: Int32 = 0, with failure: BSONDocument, on scene: Scene
    ) throws -> Int64 {
        var data = failure
        data.append("failCommands", .array(commands.map { .string($0) }))
        data.append("appName", .string("bridge.\(scene.name)"))
        return try scene.command(
            [
                "configureFailPoint": "failCommand", "mode": times.map { ["times": .int32($0)] } ?? ["skip": .int32(skipped)],
                "data": .document(data),
            ], on: "admin")["count"]?.int64Value ?? 0
    }

    /// Lets commands through again.
    ///
    /// - Returns: how many were failed.
    @discardableResult
    static func end(on scene: Scene) throws -> Int64 {
        try scene.command(["configureFailPoint": "failCommand", "mode": "off"], on: "admin")["count"]?.int64Value ?? 0
    }
}
