import Logging
import Mongo
import Runtime

/// Warns before a stored position falls out of the oplog.
///
/// Pure: no clock, no I/O.
struct OplogHeadroom {
    private enum Level { case well, low, lost }

    /// A warning that stays true is repeated this often.
    private static let repetition: Duration = .seconds(300)

    /// A warning when less than one part of so many is left.
    static let parts = 4

    private var level = Level.well
    private var toldAt: ContinuousClock.Instant?

    /// What there is to say about a stored position, if anything.
    mutating func line(for position: BSONTimestamp, in oplog: OplogWindow, at now: ContinuousClock.Instant) -> Outages.Line? {
        let left = position - oplog.oldest
        let newLevel = level(of: position, in: oplog)
        let isNew = newLevel != level
        level = newLevel
        guard isNew || newLevel != .well && toldAt.map({ now >= $0 + Self.repetition }) ?? true else { return nil }
        toldAt = now
        switch newLevel {
        case .well:
            return .init(
                level: .notice,
                text: "the stored position is well within the oplog again: \(left.readable) of \(oplog.length.readable) are left")
        case .low:
            return .init(
                level: .warning,
                text: "only \(left.readable) of the oplog's \(oplog.length.readable) are left to the stored position at cluster time "
                    + "\(position.readable). When they are gone the stream cannot be resumed without a gap: find out what holds it up, or keep a "
                    + Self.largerOplog)
        case .lost:
            return .init(
                level: .error,
                text: "the oplog no longer has the stored position at cluster time \(position.readable): it begins at "
                    + "\(oplog.oldest.readable). A stream that still runs may catch up; one that is started anew cannot be resumed. Keep a "
                    + Self.largerOplog)
        }
    }

    private static let largerOplog = "larger oplog: db.adminCommand({replSetResizeOplog: 1, size: MEGABYTES})"

    /// Low below a quarter, and well again above a third, so that it does not go to and fro.
    private func level(of position: BSONTimestamp, in oplog: OplogWindow) -> Level {
        // Nothing was ever cut off.
        if oplog.isWhole { return .well }
        if position < oplog.oldest { return .lost }
        return oplog.leaves(lessThanOneOf: level == .well ? Self.parts : Self.parts - 1, to: position) ? .low : .well
    }
}
