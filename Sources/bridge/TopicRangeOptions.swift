import ArgumentParser
import Foundation
import Runtime
import StreamBridge

/// The options of a copy of a topic's range.
struct TopicRangeOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("The topic to copy from.", valueName: "topic"))
    var topicFrom: String?

    @Option(name: .long, help: ArgumentHelp("The topic to copy to.", valueName: "topic"))
    var topicTo: String?

    @Option(name: .long, parsing: .unconditional, help: "Only this partition. (default: all)")
    var partition: Int32?

    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp("The first offset; needs --partition. (default: the oldest)", valueName: "offset"))
    var fromOffset: Int64?

    @Option(name: .long, help: ArgumentHelp("The first record of this time or later.", valueName: "time"))
    var fromTime: ISOTime?

    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp("The last offset; needs --partition. (default: the newest)", valueName: "offset"))
    var toOffset: Int64?

    @Option(name: .long, help: ArgumentHelp("Before the first record that is later than this second.", valueName: "time"))
    var toTime: ISOTime?

    @Option(name: .long, help: "Only records with this key, or with one in which the regular expression /PATTERN/ is found.")
    var key: String?

    /// The options that were given, as they are written.
    var given: [String] {
        [
            ("--topic-from", topicFrom != nil), ("--topic-to", topicTo != nil), ("--partition", partition != nil),
            ("--from-offset", fromOffset != nil), ("--from-time", fromTime != nil), ("--to-offset", toOffset != nil),
            ("--to-time", toTime != nil), ("--key", key != nil),
        ].filter(\.1).map(\.0)
    }

    func check() throws {
        guard let topicFrom, let topicTo else { throw ValidationError("a copy needs both --topic-from and --topic-to") }
        if fromOffset != nil, fromTime != nil { throw ValidationError("give --from-offset or --from-time, not both") }
        if toOffset != nil, toTime != nil { throw ValidationError("give --to-offset or --to-time, not both") }
        if fromOffset != nil || toOffset != nil, partition == nil {
            throw ValidationError("every partition counts its own offsets, so --from-offset and --to-offset need --partition; times do not")
        }
        if let offset = [fromOffset, toOffset].compactMap(\.self).first(where: { $0 < 0 }) {
            throw ValidationError("an offset is 0 or more; found \(offset)")
        }
        if let partition, partition < 0 { throw ValidationError("a partition is 0 or more; found \(partition)") }
        if let fromOffset, let toOffset, fromOffset > toOffset {
            throw ValidationError("--from-offset \(fromOffset) is after --to-offset \(toOffset)")
        }
        if let fromTime, let toTime, fromTime.milliseconds > toTime.milliseconds {
            throw ValidationError("--from-time is after --to-time")
        }
        if topicFrom == topicTo, toOffset == nil, toTime == nil {
            throw ValidationError("a copy within one topic needs an end: --to-offset or --to-time")
        }
    }

    /// Nil when no topics are named.
    func request(rate: Int?, id: String?) -> TopicCopy.Request? {
        guard let topicFrom, let topicTo else { return nil }
        return TopicCopy.Request(
            source: topicFrom, target: topicTo,
            from: fromOffset.map { .offset($0) } ?? fromTime.map { .time($0.milliseconds) },
            to: toOffset.map { .offset($0) } ?? toTime.map { .time($0.milliseconds) }, partition: partition, key: key, rate: rate, id: id,
            by: Console.user)
    }
}

extension TopicCopyPlan {
    var text: String {
        func date(_ milliseconds: Int64) -> String {
            Date(timeIntervalSince1970: Double(milliseconds) / 1000).formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        }
        var lines = partitions.map { "  \($0.records) records of \(source)/\($0.partition), offsets from \($0.from) to before \($0.to)" }
        let times = first.flatMap { first in last.map { ", from \(date(first)) to \(date($0))" } } ?? ""
        lines.append("\(records) records, \(bytes) bytes\(times), to topic \(topic)")
        if isOwnTopic { lines.append("that is the topic that they come from: its consumers see the records again") }
        if let seconds { lines.append("it takes \(Duration.seconds(seconds).readable) at this rate") }
        lines.append(isWhole ? "nothing was changed" : "stopped before the end: there is more. Nothing was changed")
        return lines.joined(separator: "\n")
    }
}
