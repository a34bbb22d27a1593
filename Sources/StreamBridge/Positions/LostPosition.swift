import Mongo
import Runtime

/// A stored position that cannot be resumed: what the server said, and what is known of the oplog.
struct LostPosition: Error {
    let position: StreamPosition
    let error: MongoError
    /// The keys of the configuration that changed since the position was stored (``StoredPosition/changes(of:)``).
    let changed: String?
    /// What the oplog had when the position was refused, or why nobody can tell.
    let oplog: Result<OplogWindow, any Error>

    /// Nil for an error that says nothing about the position.
    init?(_ position: StreamPosition, error: MongoError, changed: String?, oplog: () throws -> OplogWindow) {
        guard StreamFailure(mongoDB: error).halt?.status == .lostPosition else { return nil }
        // A token that stands for a time alone has no event that could be missing: it is the pipeline that breaks the
        // next event's token.
        if error.code == .changeStreamFatalError, position.token.isHighWaterMark { return nil }
        self.position = position
        self.error = error
        self.changed = changed
        self.oplog = Result { try oplog() }
    }

    var clusterTime: BSONTimestamp? { position.token.clusterTime }

    /// Where `onLostPosition: oldest` continues: at the oldest entry, but not before the position, as long as that is a
    /// time of this oplog.
    func oldestPlace(in oplog: OplogWindow) -> BSONTimestamp {
        guard let clusterTime, clusterTime <= oplog.newest else { return oplog.oldest }
        return max(clusterTime, oplog.oldest)
    }

    // MARK: Sentences

    /// What happened, where the position is, and how far from it the oplog begins.
    var reason: String {
        let place = "token \(position.token.text ?? "unknown")"
        let position = clusterTime.map { "at cluster time \($0.readable), \(place)" } ?? place
        return "\(error). The stored position is \(position); \(distance)"
    }

    private var distance: String {
        let oplog: OplogWindow
        switch self.oplog {
        case .success(let window): oplog = window
        case .failure(let error): return "how far back the oplog goes cannot be told: \(error)"
        }
        let oldest = "the oldest entry of the oplog is at \(oplog.oldest.readable)"
        guard let time = clusterTime else { return oldest }
        if time < oplog.oldest {
            return "\(oldest), and what happened in the \(Self.readable(oplog.oldest - time)) between is missing"
        }
        if time > oplog.newest {
            return "\(oldest), the newest time of the deployment is \(oplog.newest.readable), "
                + "\(Self.readable(time - oplog.newest)) before the position"
        }
        return "\(oldest), \(Self.readable(time - oplog.oldest)) before the position, so nothing is missing yet"
    }

    /// Cluster times count whole seconds.
    private static func readable(_ duration: Duration) -> String { duration < .seconds(1) ? "less than a second" : duration.readable }

    /// The exact words that fix it.
    func remedy(stream: String, gaps: String) -> String {
        let place = (try? oplog.get()).map { oldestPlace(in: $0) } ?? clusterTime
        let elsewhere =
            "give the stream another name and `startAt: "
            + (place.map { "{clusterTime: \"\($0)\"}`" } ?? "now`, or a time that the oplog still has,")
        let edit = "`bridge positions set \(stream) oldest`"
        let record = "publishes a record of the gap to topic \(gaps)"
        let afterwards =
            "The stream continues then, or when the bridge is started again if it has ended; `onLostPosition: oldest` does so by itself"
        if error.lostPosition == .unreadable {
            return
                "This is no resume token of MongoDB: something else wrote it, or it is damaged. To continue as far back as the oplog has it: \(edit), "
                + "which also \(record). \(afterwards). Or \(elsewhere)"
        }
        if let time = clusterTime, let oplog = try? oplog.get(), time > oplog.newest {
            return
                "Check that mongodb.uri names the deployment that this bridge has always read. If that was restored from an older backup: "
                + "\(edit), which repeats all that the oplog has and \(record), or `now` instead of `oldest`, which repeats nothing. \(afterwards)"
        }
        if error.lostPosition == .refused {
            let cause =
                changed.map {
                    "The stream's \($0) changed since the position was stored, and that is the likely cause: put back what was there, let the "
                        + "stream continue, then change it. Otherwise check mongodb.uri"
                }
                ?? "The token belongs to another deployment, or the pipeline hides its event or changes its _id. Check mongodb.uri; put the "
                + "pipeline back as it was, with _id untouched"
            let place = clusterTime.map { "`bridge positions set \(stream) \($0)`" } ?? edit
            return
                "\(cause). To continue with the pipeline as it is: \(place), which repeats rather than misses what the oplog has. \(afterwards), and "
                + "\(record). Or \(elsewhere)"
        }
        return
            "To continue with the gap: \(edit), which \(record) (`now` instead of `oldest` leaves out what the oplog has, too). \(afterwards). Or "
            + "\(elsewhere), and the position stays stored. For the next time keep a larger oplog: db.adminCommand({replSetResizeOplog: 1, size: "
            + "MEGABYTES})"
    }

    func halt(stream: String, gaps: String) -> Halt {
        Halt(reason: reason, remedy: remedy(stream: stream, gaps: gaps), status: .lostPosition)
    }
}
