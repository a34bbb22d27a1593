import Logging
import Mongo
import Runtime

/// Compares the streams with the oplog every half minute, on a thread of its own: a warning before a position is lost,
/// and one for a stream that stands still.
final class OplogWatch: Sendable {
    private let deployment: Deployment
    private let pool: MongoClientPool
    private let streams: [StreamStatus]
    private let interval: Duration
    private let logger: Logger
    private let end = StopSignal()

    init(
        deployment: Deployment, pool: MongoClientPool, streams: [StreamStatus], logger: Logger, interval: Duration = .seconds(30)
    ) {
        self.deployment = deployment
        self.pool = pool
        self.streams = streams
        self.logger = logger
        self.interval = interval
    }

    private static let firstLook: Duration = .seconds(2)

    /// Watches until ``stop()``. A server that froze does not keep the thread: it looks again at the next turn.
    func start() {
        guard !streams.isEmpty else { return }
        _ = LoopThread.start(name: "watch oplog") { [self] in
            var canSeeOplog = true
            // The first look comes soon, for a caller that asks how long the oplog is, but does not disturb the
            // streams' start.
            guard !end.wait(for: min(interval, Self.firstLook)) else { return }
            repeat { look(&canSeeOplog) } while !end.wait(for: interval)
        }
    }

    func stop() { end.request(grace: .zero) }

    private func look(_ canSeeOplog: inout Bool) {
        let (deployment, pool) = (deployment, pool)
        do {
            guard canSeeOplog else {
                let newest = try BoundedCall.make(of: pool, "ask for the time", stop: end) { try deployment.clusterTime(pool: pool) }
                for stream in streams { stream.compare(newest: newest) }
                return
            }
            let window = try BoundedCall.make(of: pool, "read the oldest oplog entry", stop: end) {
                try deployment.oplogWindow(pool: pool)
            }
            for stream in streams { stream.compare(with: window) }
        } catch let hidden as OplogWindow.Hidden {
            canSeeOplog = false
            logger.debug("no warning before a position is lost: \(hidden)")
        } catch let error as MongoError where error.code == .unauthorized {
            canSeeOplog = false
            logger.debug("no warning before a position is lost: \(error)", metadata: ["remedy": "grant find on local.oplog.rs"])
        } catch {
            // An outage is told by the streams.
        }
    }
}
