import Logging
import Mongo
import Runtime

/// Judges a change stream by the movement of its token, not by its events: on a stream that matches nothing the token
/// moves, too.
///
/// Pure: no clock, no I/O.
struct StallDetector {
    /// How long a token may stand still while the deployment continues.
    static let patience: Duration = .seconds(120)
    /// MongoDB has answered within this time: a stream that waits for Kafka, or for a server that is down, is not
    /// judged.
    private static let recent: Duration = .seconds(60)

    private var token: ResumeToken?
    private var movedAt: ContinuousClock.Instant?
    private var answeredAt: ContinuousClock.Instant?
    private var isTold = false
    /// Why the token stands still; nil while it moves.
    private(set) var reason: String?

    /// MongoDB answered.
    mutating func read(upTo token: ResumeToken, at now: ContinuousClock.Instant) {
        answeredAt = now
        guard token != self.token else { return }
        self.token = token
        movedAt = now
        reason = nil
    }

    /// MongoDB is at one answer for this long.
    ///
    /// - Returns: the line that says so.
    mutating func search(for time: Duration) -> Outages.Line {
        guard time >= Self.patience else {
            return .init(
                level: .info,
                text: "MongoDB has searched its oplog for \(time.readable) without a match; the position moves when it is through")
        }
        let reason = "MongoDB has searched its oplog for \(time.readable) without a match, and the position stands still meanwhile"
        self.reason = reason
        isTold = true
        return .init(
            level: .warning,
            text:
                "\(reason): the pipeline matches little of what the deployment writes. Watch fewer collections, or match by operationType, ns "
                + "and documentKey, which the server filters fastest")
    }

    /// Compares with the deployment's newest cluster time.
    mutating func line(newest: BSONTimestamp, at now: ContinuousClock.Instant) -> Outages.Line? {
        if let token, let time = token.clusterTime, let movedAt, let answeredAt, reason == nil, now > movedAt + Self.patience,
            now < answeredAt + Self.recent, newest - time > Self.patience
        {
            let reason = "MongoDB answers, but the stream has stood at cluster time \(time.readable) for \((now - movedAt).readable)"
            self.reason = reason
            isTold = true
            return .init(
                level: .warning,
                text:
                    "\(reason), and the deployment is at \(newest.readable): change streams show what the majority of the members has. See "
                    + "rs.status() for members that are down or behind")
        }
        guard isTold, reason == nil else { return nil }
        isTold = false
        return .init(level: .notice, text: "the stream moves again")
    }
}
