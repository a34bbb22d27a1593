import Foundation
import Mongo
import Runtime

/// What streams and dispatchers do at one moment, one line for each: state, lag, rate and position; of a snapshot, a
/// bar and the time left.
package struct LiveLines: Sendable {
    private let width: Int
    private let height: Int
    private let now: ContinuousClock.Instant

    /// - Parameters:
    ///   - width: columns of the terminal.
    ///   - height: rows of it that may be used.
    package init(width: Int, height: Int, now: ContinuousClock.Instant) {
        self.width = width
        self.height = height
        self.now = now
    }

    private static let longestName = 24
    private static let barWidth = 20

    package func lines(
        streams: [(name: String, snapshot: StreamStatus.Snapshot)], dispatchers: [(name: String, snapshot: DispatchStatus.Snapshot)]
    ) -> [String] {
        let rows =
            streams.map { (name: $0.name, state: $0.snapshot.state, facts: facts($0.snapshot)) }
            + dispatchers.map { (name: $0.name, state: $0.snapshot.state, facts: facts($0.snapshot)) }
        let names = min(Self.longestName, rows.map(\.name.count).max() ?? 0)
        let states = LoopCondition.State.allCases.map(\.rawValue.count).max() ?? 0
        let lines = rows.map { row in
            let name =
                row.name.count > names ? row.name.prefix(names - 1) + "…" : row.name.padding(toLength: names, withPad: " ", startingAt: 0)
            let state = row.state.rawValue.padding(toLength: states, withPad: " ", startingAt: 0)
            return fitting("\(name)  \(state)  \(row.facts.joined(separator: "  "))")
        }
        guard lines.count > height else { return lines }
        return lines.prefix(max(0, height - 1)) + [fitting("and \(lines.count - max(0, height - 1)) more")]
    }

    // MARK: Facts

    private func facts(_ stream: StreamStatus.Snapshot) -> [String] {
        switch stream.state {
        case .halted, .retrying: return [stream.reason ?? ""]
        case .standby: return ["another process leads it"]
        case .starting, .snapshotting, .streaming, .idle: break
        }
        var facts: [String] = []
        if let snapshot = stream.documentSnapshot, snapshot.isRunning { facts.append(bar(snapshot)) }
        // An idle stream is some hundred milliseconds behind, and the lines of it need not be drawn again for that.
        if let lag = stream.lag { facts.append(lag < .seconds(1) ? "lag < 1 s" : "lag \(lag.readable)") }
        facts.append(Self.rate(stream.figures.eventsPerSecond(at: now), "events"))
        if let time = stream.stored?.clusterTime { facts.append("at \(Self.time(time))") }
        // Why it stands still.
        if let reason = stream.reason { facts.append(reason) }
        return facts
    }

    private func facts(_ dispatcher: DispatchStatus.Snapshot) -> [String] {
        switch dispatcher.state {
        case .halted, .retrying: return [dispatcher.reason ?? ""]
        case .standby: return ["no partitions: other processes have them"]
        case .starting, .snapshotting, .streaming, .idle: break
        }
        var facts: [String] = []
        if let waiting = dispatcher.load?.lagRecords { facts.append("\(waiting) waiting") }
        facts.append(Self.rate(dispatcher.figures.outcomesPerSecond(at: now), "outcomes"))
        if let free = dispatcher.load?.freeResources { facts.append("\(free) free") }
        facts += dispatcher.outcomes.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        if dispatcher.deadLetters > 0 { facts.append("\(dispatcher.deadLetters) dead letters") }
        return facts
    }

    private func bar(_ snapshot: SnapshotFigures) -> String {
        let (done, all) = (snapshot.record.documents, max(snapshot.record.estimated, snapshot.record.documents))
        let part = all > 0 ? Double(done) / Double(all) : 0
        let full = Int(part * Double(Self.barWidth))
        let bar = String(repeating: "#", count: full) + String(repeating: "-", count: Self.barWidth - full)
        let left = snapshot.timeLeft(at: now).map { ", about \($0.readable) left" } ?? ""
        return "[\(bar)] \(Int(part * 100))%, \(Self.rate(snapshot.documentsPerSecond(at: now), "documents"))\(left)"
    }

    private static func rate(_ perSecond: Double, _ noun: String) -> String {
        let number = perSecond > 0 && perSecond < 10 ? perSecond.formatted(.number.precision(.fractionLength(1))) : "\(Int(perSecond))"
        return "\(number) \(noun)/s"
    }

    private static func time(_ time: BSONTimestamp) -> String {
        Date(timeIntervalSince1970: Double(time.seconds)).formatted(.iso8601)
    }

    // MARK: Width

    /// One line that does not wrap.
    private func fitting(_ text: String) -> String {
        let text = text.harmlessLine
        var room = width - 1
        guard text.unicodeScalars.reduce(0, { $0 + Self.columns($1) }) > room else { return text }
        // For the ellipsis.
        room -= 1
        var short = ""
        for scalar in text.unicodeScalars {
            room -= Self.columns(scalar)
            guard room >= 0 else { break }
            short.unicodeScalars.append(scalar)
        }
        return short + "…"
    }

    /// Rather too many: most of what lies beyond Latin, Greek and Cyrillic can be two columns wide.
    private static func columns(_ scalar: Unicode.Scalar) -> Int { scalar.value < 0x1100 || scalar == "…" ? 1 : 2 }
}
