import Logging
import Runtime

/// What is wrong on either side of a loop, and what to say about it: one line when a trouble begins, one when all are
/// over.
///
/// Pure: no clock, no I/O.
struct Outages {
    struct Line: Equatable {
        let level: Logger.Level
        let text: String
    }

    /// Why MongoDB, or Kafka, cannot be used now.
    var mongoDB: String?
    var kafka: String?

    /// What was told since all was well, and since when.
    private var reported: [String] = []
    private var since: ContinuousClock.Instant?

    /// The first thing that is wrong; nil when nothing is.
    var reason: String? { mongoDB ?? kafka }

    /// Nobody asks MongoDB for anything now, so nobody knows how it is: no line tells that it is back.
    mutating func forgetMongoDB() {
        reported.removeAll { $0 == mongoDB }
        mongoDB = nil
        if reported.isEmpty { since = nil }
    }

    /// The line for what has changed since the last call.
    ///
    /// - Parameter whoGoesOn: "the stream", for example.
    mutating func takeLine(subject: String, at now: ContinuousClock.Instant) -> Line? {
        let present = [mongoDB, kafka].compactMap(\.self)
        if !present.isEmpty {
            guard let newest = present.last(where: { !reported.contains($0) }) else { return nil }
            reported += present.filter { !reported.contains($0) }
            since = since ?? now
            return Line(level: .warning, text: "retrying: \(newest); nothing is lost, \(subject) continues when it can")
        }
        guard !reported.isEmpty else { return nil }
        defer {
            reported = []
            since = nil
        }
        return Line(level: .notice, text: "back after \((since.map { now - $0 } ?? .zero).readable)")
    }
}
