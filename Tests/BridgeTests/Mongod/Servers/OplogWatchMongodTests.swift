import Logging
import Mongo
import Testing

@testable import StreamBridge

@Suite struct OplogWatchMongodTests {
    @Test func aPositionThatIsAboutToBeLostIsToldBefore() async throws {
        try await Scene.playAlone(arguments: TinyOplog.arguments) { scene, _ in
            let deployment = try Deployment(of: scene.pool)
            #expect(try deployment.oplogWindow(pool: scene.pool).isWhole)
            try TinyOplog.write(8 << 20, on: scene) { !$0.isWhole }
            let status = StreamStatus(stream: "fruits", logger: scene.log.logger)
            let watch = OplogWatch(
                deployment: deployment, pool: scene.pool, streams: [status], logger: scene.log.logger, interval: .milliseconds(100))
            watch.start()
            defer { watch.stop() }
            func position(_ time: BSONTimestamp) -> StreamPosition {
                StreamPosition(token: .sample(time.seconds, .max), wallTime: nil, events: 1)
            }
            // A stream that is always at the oplog's end, within the oldest second.
            try TinyOplog.write(1 << 10, on: scene) { window in
                status.stored(position(window.oldest))
                return !scene.log.lines(containing: "left to the stored position").isEmpty
            }
            #expect(scene.log.lines(containing: "left to the stored position").first?.level == .warning)
            // It stands still.
            try TinyOplog.write(8 << 20, on: scene) { _ in !scene.log.lines(containing: "no longer has the stored position").isEmpty }
            #expect(status.snapshot.oplogLength != nil)
            #expect(status.snapshot.positionAge ?? .zero > .zero)
            status.stored(position(try deployment.oplogWindow(pool: scene.pool).newest))
            try scene.log.wait(for: "well within the oplog again")
        }
    }

    /// A full server cuts its oplog at any moment: the entry that is being read may go.
    @Test func anOldestEntryThatIsCutOffAmidTheReadIsReadAgain() async throws {
        try await Scene.playAlone(arguments: FailPoint.arguments) { scene, _ in
            let pool = try MongoClientPool(
                .init(uri: scene.uri, maxPoolSize: 2, serverSelectionTimeout: .seconds(30), appName: "bridge.\(scene.name)"))
            let deployment = try Deployment(of: pool)
            try FailPoint.fail(["find"], times: 2, with: ["errorCode": 136], on: scene)
            #expect(try deployment.oplogWindow(pool: pool).isWhole)
            // But not for ever.
            try FailPoint.fail(["find"], times: nil, with: ["errorCode": 136], on: scene)
            #expect(throws: MongoError.self) { try deployment.oplogWindow(pool: pool) }
            try FailPoint.end(on: scene)
        }
    }

    @Test func anOplogThatMayNotBeReadIsSaidOnce() async throws {
        try await Scene.play { scene in
            // A sharded cluster is told alike, before anything is asked.
            let sharded = Deployment(replicaSet: nil, isSharded: true, version: "")
            var logger = scene.log.logger
            logger.logLevel = .debug
            let status = StreamStatus(stream: "fruits", logger: scene.log.logger)
            status.stored(.sample(1, events: 1))
            let watch = OplogWatch(
                deployment: sharded, pool: scene.pool, streams: [status], logger: logger, interval: .milliseconds(1))
            watch.start()
            defer { watch.stop() }
            try scene.log.wait(for: "no warning before a position is lost: a sharded cluster does not show its oplogs")
            status.read(events: 0, upTo: .sample(1), clusterTime: nil)
            #expect(scene.log.lines(containing: "no warning").map(\.level) == [.debug])
            #expect(status.snapshot.oplogLength == nil)
        }
    }
}
