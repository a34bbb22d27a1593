import Mongo

/// The ends of a range as a person wrote them, judged before a server is asked.
package enum RangeEnds {
    /// What lies where a record of Kafka says is not known yet, and not judged here.
    ///
    /// - Parameter to: nil for the end that a command takes by itself.
    /// - Throws: ``WrongUsage`` for ends that nothing can lie between.
    package static func judge(from: PositionPlace, to: PositionPlace?) throws(WrongUsage) {
        var begin: EventRange.Place?
        var end: EventRange.Place?
        if case .start(let point) = from { begin = try beginning(point) }
        if case .start(let point)? = to { end = try self.end(point) }
        if let begin, let end { try refuseBackwards(from: begin, to: end) }
    }

    /// - Returns: nil for the oldest entry of the oplog.
    static func beginning(_ point: StartPoint) throws(WrongUsage) -> EventRange.Place? {
        switch point {
        case .oldest: nil
        case .token(let data): .token(data)
        case .time(let seconds): .time(BSONTimestamp(seconds: seconds, increment: 1))
        case .clusterTime(let seconds, let increment): .time(BSONTimestamp(seconds: seconds, increment: increment))
        case .now: throw WrongUsage("--from takes no now: nothing has happened since")
        }
    }

    /// - Returns: nil for the newest time of the deployment.
    static func end(_ point: StartPoint) throws(WrongUsage) -> EventRange.Place? {
        switch point {
        case .now: nil
        case .token(let data): .token(data)
        // With all of this second.
        case .time(let seconds): .time(BSONTimestamp(seconds: seconds, increment: .max))
        case .clusterTime(let seconds, let increment): .time(BSONTimestamp(seconds: seconds, increment: increment))
        case .oldest: throw WrongUsage("--to takes no oldest")
        }
    }

    /// - Parameter last: what the end is called.
    static func refuseBackwards(from begin: EventRange.Place, to end: EventRange.Place, _ last: String = "--to") throws(WrongUsage) {
        guard begin.isBehind(end) else { return }
        throw WrongUsage("--from, \(begin), is after \(last), \(end)")
    }
}
