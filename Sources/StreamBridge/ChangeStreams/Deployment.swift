import Mongo

/// The MongoDB deployment that the bridge is connected to.
package struct Deployment: Sendable, Equatable {
    /// Nil for a sharded cluster.
    package let replicaSet: String?
    package let isSharded: Bool
    /// For example `6.0.5`.
    package let version: String

    /// It has `$changeStreamSplitLargeEvent`: 6.0.9, 7.0 and later.
    var splitsLargeEvents: Bool {
        let parts = version.split(separator: ".").map { Int($0) ?? 0 } + [0, 0, 0]
        return (parts[0], parts[1], parts[2]) >= (7, 0, 0) || (parts[0], parts[1]) == (6, 0) && parts[2] >= 9
    }

    /// It reads several collections as of one moment, outside of a transaction, too: 5.0 and later.
    var readsSnapshots: Bool { (version.split(separator: ".").first.flatMap { Int($0) } ?? 0) >= 5 }

    init(replicaSet: String?, isSharded: Bool, version: String) {
        self.replicaSet = replicaSet
        self.isSharded = isSharded
        self.version = version
    }

    /// Asks the server.
    ///
    /// - Throws: ``MongoError`` when it cannot be reached, ``Halt`` for a server without change streams.
    package init(of pool: MongoClientPool) throws {
        let (hello, version) = try pool.withClient { client throws(MongoError) in
            (
                try client.command(["hello": 1], on: "admin", operation: "reach MongoDB"),
                // Needs a login where the server wants one, so that wrong credentials show now and not at the first
                // stream.
                try client.command(["buildInfo": 1], on: "admin", operation: "log in to MongoDB")["version"]?.stringValue
            )
        }
        self.version = version ?? "unknown"
        isSharded = hello["msg"]?.stringValue == "isdbgrid"
        replicaSet = hello["setName"]?.stringValue
        guard isSharded || replicaSet != nil else {
            throw Halt(
                reason: "MongoDB is a standalone server, and change streams need a replica set, because they read its oplog",
                remedy: "Start mongod with --replSet rs0 and run rs.initiate() once; one member is enough",
                status: .configuration
            )
        }
    }

    /// Where a stream without a stored position begins, or what else is to begin at a place that somebody wrote.
    ///
    /// - Parameters:
    ///   - setting: where the place is written, for sentences.
    ///   - status: of the halt for a place that cannot be.
    /// - Throws: ``MongoError`` when the oldest oplog entry or the time cannot be read; ``Halt`` for a place that is
    ///   ahead of the deployment: the server would accept it and wait in silence until that time comes, and a position
    ///   that was stored there would hold the stream even after the place is corrected.
    func start(at point: StartPoint, of setting: String = "startAt", status: ExitStatus = .configuration, pool: MongoClientPool)
        throws -> ChangeStreamOptions.Start
    {
        let start: ChangeStreamOptions.Start
        let time: BSONTimestamp?
        switch point {
        case .now: return .now
        case .oldest:
            let oldest = try oplogWindow(for: "\(setting): oldest", pool: pool).oldest
            return .at(seconds: oldest.seconds, increment: oldest.increment)
        case .time(let seconds):
            start = .at(seconds: seconds, increment: 1)
            time = BSONTimestamp(seconds: seconds, increment: 1)
        case .clusterTime(let seconds, let increment):
            start = .at(seconds: seconds, increment: increment)
            time = BSONTimestamp(seconds: seconds, increment: increment)
        case .token(let data):
            let token = ResumeToken(text: data)
            start = .after(token)
            time = token.clusterTime
        }
        if let time, let now = try clusterTime(pool: pool), time.isAhead(of: now) {
            throw Halt(
                reason: "\(setting), \(point), is ahead of the deployment, at cluster time \(now.readable)",
                remedy: "Correct \(setting): give a time that has come, or `now`. Nothing was stored", status: status)
        }
        return start
    }

    /// What the oplog has now, for a setting that cannot do without.
    ///
    /// - Throws: ``Halt`` where the oplog cannot be seen, ``MongoError`` when it cannot be read now.
    func oplogWindow(for setting: String, pool: MongoClientPool) throws -> OplogWindow {
        do {
            return try oplogWindow(pool: pool)
        } catch let hidden as OplogWindow.Hidden {
            throw Halt(
                reason: "\(setting) needs the oplog, and \(hidden)", remedy: "Write `now`, or for startAt a time or a clusterTime",
                status: .configuration)
        } catch let error as MongoError where error.code == .unauthorized {
            throw Halt(
                reason: "\(setting) needs the oplog: \(error)", remedy: PrivilegeNeed.remedy(granting: "find on local.oplog.rs"),
                status: .configuration)
        }
    }

    /// The newest cluster time; nil for a server that does not tell.
    func clusterTime(pool: MongoClientPool) throws -> BSONTimestamp? {
        try pool.withClient { client in Self.clusterTime(of: try client.command(["ping": 1], on: "admin", operation: "ask for the time")) }
    }

    private static func clusterTime(of reply: BSONDocument) -> BSONTimestamp? {
        [reply["operationTime"], reply["$clusterTime"]?.documentValue?["clusterTime"]].compactMap { $0?.timestampValue }.max()
    }

    /// Reads of an entry that is being cut off.
    private static let maxReads = 5

    /// What the oplog has now.
    ///
    /// - Throws: ``OplogWindow/Hidden``, or ``MongoError`` when it cannot be read.
    package func oplogWindow(pool: MongoClientPool) throws -> OplogWindow {
        guard !isSharded else { throw OplogWindow.Hidden() }
        let operation = "read the oldest oplog entry"
        let reply = try pool.withClient { client throws(MongoError) in
            var readsLeft = Self.maxReads
            while true {
                do throws(MongoError) {
                    return try client.command(
                        [
                            "find": "oplog.rs", "sort": ["$natural": 1], "limit": 1, "projection": ["ts": 1, "o.msg": 1],
                            "singleBatch": true,
                        ],
                        on: "local", operation: operation)
                } catch {
                    // A full server cuts its oplog at any moment, and takes the entry away from who reads it.
                    readsLeft -= 1
                    guard error.code == .cappedPositionLost, readsLeft > 0 else { throw error }
                }
            }
        }
        guard let entry = reply["cursor"]?.documentValue?["firstBatch"]?.arrayValue?.first?.documentValue,
            let time = entry["ts"]?.timestampValue
        else { throw MongoError(kind: .malformedReply, operation: operation, message: "the oplog has no entry") }
        return OplogWindow(
            oldest: time, newest: max(time, Self.clusterTime(of: reply) ?? time),
            isWhole: entry["o"]?.documentValue?["msg"]?.stringValue == OplogWindow.firstMessage)
    }
}
