import Mongo

/// A change stream that was opened at a place and closed again: it shows that the place works, and gives it a token.
package struct PositionTrial: Sendable {
    let position: StreamPosition
    package let clusterTime: BSONTimestamp?
    /// The time between the place and now: of so much the stream will publish the events.
    package let ahead: Duration?

    package var token: String { position.token.text ?? "" }

    var place: GapRecord.Place { .init(token: position.token, clusterTime: clusterTime) }

    /// Opens the stream's own change stream, and asks for one batch, because only that shows whether the oplog has the
    /// place. Blocks.
    ///
    /// - Parameter transaction: the place of the event that `start` is after.
    /// - Throws: ``Halt`` when the server refuses the place, ``MongoError``.
    init(
        of settings: StreamSettings, at start: ChangeStreamOptions.Start, transaction: TransactionPlace?, on deployment: Deployment,
        pool: MongoClientPool
    ) throws {
        let opened: (token: ResumeToken, now: BSONTimestamp?)
        do {
            opened = try Self.open(settings, at: start, on: deployment, pool: pool)
        } catch let error as MongoError {
            guard case .halt(let halt) = StreamFailure(mongoDB: error), halt.status == .lostPosition else { throw error }
            let oldest =
                (try? deployment.oplogWindow(pool: pool)).map { ". The oldest entry of the oplog is at \($0.oldest.readable)" } ?? ""
            throw Halt(
                reason: "MongoDB does not continue from there: \(error)\(oldest)",
                remedy: "Nothing was changed. Give another place: `oldest` is as far back as the oplog goes", status: .lostPosition)
        }
        position = StreamPosition(token: opened.token, wallTime: nil, events: 0, transaction: transaction)
        clusterTime = opened.token.clusterTime
        // A young replica set takes a time from before its oplog. The first position of an idle stream is a tick ahead
        // of the newest time.
        let oldest = (try? deployment.oplogWindow(pool: pool))?.oldest
        ahead = opened.token.clusterTime.flatMap { time in opened.now.map { max(.zero, $0 - max(time, oldest ?? time)) } }
    }

    /// Opens the stream's change stream, asks for one batch, and closes it.
    ///
    /// - Throws: ``MongoError``, ``Halt``.
    static func open(
        _ settings: StreamSettings, at start: ChangeStreamOptions.Start, on deployment: Deployment, pool: MongoClientPool
    ) throws -> (token: ResumeToken, now: BSONTimestamp?) {
        try pool.withClient { client in
            var options = try ChangeStreamOptions(settings, on: deployment)
            options.maxAwait = .milliseconds(1)
            var stream = try ChangeStream(options, start: start, of: client)
            let given: ResumeToken? = if case .after(let token) = start { token } else { stream.initialToken }
            guard let token = given else {
                throw Halt(
                    reason: "this server gives no token for a time", remedy: "Give a token, or a record's TOPIC/PARTITION/OFFSET",
                    status: .configuration)
            }
            // A time of the future, too: the server would wait for it in silence.
            try stream.refuseAhead(.after(token))
            _ = try stream.nextBatch(size: 1, of: client)
            let now = stream.clusterTime
            stream.close(of: client)
            return (token, now)
        }
    }
}
