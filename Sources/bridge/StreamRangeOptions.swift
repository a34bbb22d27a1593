import ArgumentParser
import Runtime
import StreamBridge

/// The options of a replay of a stream.
struct StreamRangeOptions: ParsableArguments {
    @Option(name: .long, help: "The stream's name in the configuration.")
    var stream: String?

    @Option(name: .long, help: "Where to begin: a place, or oldest.", transform: PositionPlace.parse)
    var from: PositionPlace?

    @Option(name: .long, help: "Where to end: a place, or now. (default: now)", transform: PositionPlace.parse)
    var to: PositionPlace?

    @Option(
        name: .long,
        help: ArgumentHelp("Stages behind those of the stream, as Extended JSON or YAML.", valueName: "stages"))
    var filter: String?

    @Option(name: .long, help: "Another topic, perhaps with {db} and {coll}. (default: the stream's own)")
    var topic: String?

    /// The options that were given, as they are written.
    var given: [String] {
        [
            ("--stream", stream != nil), ("--from", from != nil), ("--to", to != nil), ("--filter", filter != nil),
            ("--topic", topic != nil),
        ].filter(\.1).map(\.0)
    }

    /// Nil when no stream is named.
    func request(of configuration: BridgeConfiguration, rate: Int?, id: String?) throws -> StreamReplay.Request? {
        guard let stream, let from else { return nil }
        return StreamReplay.Request(
            stream: try configuration.namedStream(stream), from: from, to: to, filter: filter, topic: topic, rate: rate, id: id,
            by: Console.user)
    }
}

extension ReplayPlan {
    var text: String {
        var lines = ["stream \(stream), from \(from) to \(to)"]
        if let left = oplogSecondsBefore {
            lines.append("the oplog has the beginning: it goes back \(Duration.seconds(left).readable) further")
        }
        lines += counts.map { "  \($0.events) \($0.operation.isEmpty ? "of no kind" : $0.operation) \($0.namespace)" }
        lines.append("\(events) events, \(bytes) bytes" + (first.flatMap { first in last.map { ", from \(first) to \($0)" } } ?? ""))
        if leftOut > 0 { lines.append("\(leftOut) events cannot be written and would be left out") }
        lines.append("topics: \(topics.isEmpty ? "none, because there are no events" : topics.joined(separator: ", "))")
        if isOwnTopic { lines.append("these are the stream's own topics: their consumers see the events again") }
        if let seconds { lines.append("it takes \(Duration.seconds(seconds).readable) at this rate") }
        lines.append(isWhole ? "nothing was changed" : "stopped before the end: there is more. Nothing was changed")
        return lines.joined(separator: "\n")
    }
}
