import Mongo

/// The range of a replay, from the places that a person gave.
struct ReplayRange {
    let range: EventRange
    /// How far the oplog reaches, and the position that the replay begins at.
    let trial: PositionTrial

    /// Opens the change stream at the beginning, which also shows whether the server takes the filter. Blocks.
    ///
    /// - Parameters:
    ///   - settings: the stream with the filter.
    ///   - isFiltered: some events of the stream are left out.
    ///   - to: nil for the newest time of the deployment.
    /// - Throws: ``WrongUsage``; ``Halt`` for a place that cannot be used; ``MongoError``, ``KafkaError``.
    init(
        of settings: StreamSettings, isFiltered: Bool, from: PositionPlace, to: PositionPlace?, on deployment: Deployment,
        pool: MongoClientPool, record: (RecordPlace) throws -> PublishedPlace
    ) throws {
        let newest = try deployment.clusterTime(pool: pool)
        let begin: EventRange.Place
        var transaction: TransactionPlace?
        switch from {
        case .record(let place):
            let published = try record(place)
            begin = .token(published.token.text ?? "")
            transaction = published.transaction
        case .start(let point):
            switch try deployment.start(at: point, of: "--from", pool: pool) {
            case .at(let seconds, let increment): begin = .time(BSONTimestamp(seconds: seconds, increment: increment))
            case .after(let token): begin = .token(token.text ?? "")
            case .now: throw WrongUsage("--from takes no now: nothing has happened since")
            }
        }
        let given: EventRange.Place? =
            switch to {
            case .record(let place)?: .token(try record(place).token.text ?? "")
            case .start(let point)?: try RangeEnds.end(point)
            case nil: nil
            }
        guard let end = given ?? newest.map({ .time($0) }) else {
            throw Halt(
                reason: "the deployment does not tell its time", remedy: "Give --to a token or a time", status: .configuration)
        }
        let start = Self.start(at: begin, isFiltered: isFiltered)
        range = EventRange(start: start, from: begin, to: end, newest: newest)
        try RangeEnds.refuseBackwards(from: begin, to: end)
        // With a filter the events of the transaction before the record are read once more, and counted then.
        trial = try PositionTrial(of: settings, at: start, transaction: isFiltered ? nil : transaction, on: deployment, pool: pool)
    }

    /// The server continues behind an event only where the pipeline lets it pass. So with a filter the stream is opened
    /// at the time of the event, and what comes up to it is left out.
    private static func start(at place: EventRange.Place, isFiltered: Bool) -> ChangeStreamOptions.Start {
        switch place {
        case .time(let time): return .at(seconds: time.seconds, increment: time.increment)
        case .token(let data):
            let token = ResumeToken(text: data)
            guard isFiltered, let time = token.clusterTime else { return .after(token) }
            return .at(seconds: time.seconds, increment: time.increment)
        }
    }
}

extension EventRange {
    /// How much of the range lies before `time`, from 0 to 1; nil when that cannot be told.
    func fraction(at time: BSONTimestamp?) -> Double? {
        guard let time, let from = from.clusterTime, var to = to.clusterTime else { return nil }
        if let newest { to = min(to, newest) }
        guard to > from else { return nil }
        // With the increments: a range may lie within one second.
        return Double(min(max(time, from), to).packed - from.packed) / Double(to.packed - from.packed)
    }
}

extension EventRange.Place {
    /// Nothing can lie from here to another place, and not because they are the same.
    func isBehind(_ other: EventRange.Place) -> Bool {
        if case .token(let place) = self, case .token(let other) = other {
            return ResumeToken.data(ofText: place) > ResumeToken.data(ofText: other)
        }
        guard let time = clusterTime, let other = other.clusterTime else { return false }
        return time > other
    }

    var clusterTime: BSONTimestamp? {
        switch self {
        case .token(let data): ResumeToken(text: data).clusterTime
        case .time(let time): time
        }
    }

    /// As a command line has it.
    var argument: String {
        switch self {
        case .token(let data): data
        case .time(let time): "\(time)"
        }
    }

    /// Reads ``argument``; nil for anything else.
    init?(_ text: String) {
        switch try? StartPoint(argument: text) {
        case .token(let data)?: self = .token(data)
        case .clusterTime(let seconds, let increment)?: self = .time(BSONTimestamp(seconds: seconds, increment: increment))
        default: return nil
        }
    }
}
