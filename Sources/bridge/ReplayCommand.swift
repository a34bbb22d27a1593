import ArgumentParser
import Logging
import StreamBridge

/// `bridge replay`
struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Publishes a range of a stream, or of a topic, again, exactly once.",
        usage: """
            bridge replay --stream STREAM --from PLACE [--to PLACE] [--filter STAGES] [--topic TOPIC] [--rate N/s] [--id ID] [--plan]
            bridge replay --topic-from TOPIC --topic-to TOPIC [--partition P] [--from-offset N | --from-time TIME] \
            [--to-offset N | --to-time TIME] [--key KEY] [--rate N/s] [--id ID] [--plan]
            bridge replay --resume ID [--rate N/s]
            """,
        discussion: """
            Of a stream (--stream): reads its change stream over a range and publishes the records that the stream publishes. The stream may run \
            meanwhile: it keeps its position and its leader. Without --topic the records go to the stream's own topics, and its consumers see the \
            events again. A place is a resume token, a time (2026-01-31T00:00:00Z), a cluster time (1651826079.1), or a record's \
            TOPIC/PARTITION/OFFSET. A replay begins behind a token or a record, and at a time; it ends with what is given.

            Of a topic (--topic-from, --topic-to): copies its committed records with key, value, headers and time, to the same partition when both \
            topics have as many, otherwise by key. The headers replay.topic, replay.partition and replay.offset say where each comes from. Without \
            an end it ends with the newest record of the moment; within one topic the end must be given.

            All records get the headers bridge.origin=replay and bridge.replay=ID. Records and progress are stored together: after Ctrl-C, an error \
            or a crash, --resume continues behind the last record that readers of committed records see. With --plan nothing is published; what \
            would be is counted.

            \(ExitStatus.help([.done, .usage, .lostPosition, .unreachable, .configuration, .interrupted]))
            """)

    @OptionGroup var options: CommonOptions
    @OptionGroup(title: "A range of a stream") var range: StreamRangeOptions
    @OptionGroup(title: "A range of a topic") var copy: TopicRangeOptions

    @Option(name: .long, help: "Continue with the replay of this id.")
    var resume: String?

    @Option(name: .long, help: "Names the replay. (default: the time)")
    var id: String?

    @Option(
        name: .long, parsing: .unconditional, help: "At most so many events, or records, per second: 500 or 500/s.", transform: Self.rate)
    var rate: Int?

    @Flag(name: .long, help: "Count what would be published, and change nothing.")
    var plan = false

    @Option(name: .long, help: "text or json: how the plan and the end are told.")
    var format: ListingFormat = .text

    private static func rate(_ text: String) throws -> Int {
        guard let rate = Int(text.hasSuffix("/s") ? String(text.dropLast(2)) : text), rate > 0 else {
            throw ValidationError("--rate is a whole number of events per second, such as 500 or 500/s; found \(text)")
        }
        return rate
    }

    func validate() throws {
        if resume != nil {
            if let option = range.given.first ?? copy.given.first ?? (id == nil ? nil : "--id") ?? (plan ? "--plan" : nil) {
                throw ValidationError("--resume continues with what the replay was begun with, so it takes no \(option)")
            }
        } else if let stream = range.given.first, let copy = copy.given.first {
            throw ValidationError("\(stream) is for a replay of a stream and \(copy) for one of a topic: give one of them")
        } else if copy.given.isEmpty {
            guard range.stream != nil else {
                throw ValidationError(
                    "name what to replay: --stream STREAM --from PLACE, --topic-from TOPIC --topic-to TOPIC, or --resume ID")
            }
            guard let from = range.from else { throw ValidationError("--stream needs --from: where the replay begins") }
            do {
                try RangeEnds.judge(from: from, to: range.to)
            } catch {
                throw ValidationError("\(error)")
            }
        } else {
            try copy.check()
        }
    }

    func run() async throws {
        let configuration = try options.load()
        let replay = Replay(configuration: configuration, logger: options.logger)
        Signals.watch { replay.requestStop() }
        let meter = ReplayMeter(logger: options.logger)
        do {
            if let resume {
                try tell(await replay.resume(resume, rate: rate, meter.show), meter)
            } else if let request = copy.request(rate: rate, id: id) {
                try await run(replay, request, meter)
            } else if let request = try range.request(of: configuration, rate: rate, id: id) {
                try await run(replay, request, meter)
            }
        } catch let usage as WrongUsage {
            meter.clear()
            throw ValidationError("\(usage)")
        } catch let end where end is ValidationError || end is ExitStatus {
            throw end
        } catch {
            meter.clear()
            Console.error(error)
            throw ExitStatus.of(error)
        }
    }

    private func run(_ replay: Replay, _ request: StreamReplay.Request, _ meter: ReplayMeter) async throws {
        if plan {
            let plan = try await replay.plan(request, meter.show)
            return try tell(plan, plan.text, isWhole: plan.isWhole, meter)
        }
        if request.isToOwnTopics {
            Console.error("the replay goes to the topics of stream \(request.stream.name): their consumers see the events again")
        }
        try tell(await replay.run(request, meter.show), meter)
    }

    private func run(_ replay: Replay, _ request: TopicCopy.Request, _ meter: ReplayMeter) async throws {
        if plan {
            let plan = try await replay.plan(request, meter.show)
            return try tell(plan, plan.text, isWhole: plan.isWhole, meter)
        }
        if request.source == request.target {
            Console.error("the replay goes to the topic that it comes from: its consumers see the records again")
        }
        try tell(await replay.run(request, meter.show), meter)
    }

    private func tell(_ plan: some Encodable, _ text: String, isWhole: Bool, _ meter: ReplayMeter) throws {
        meter.clear()
        Console.print(format == .json ? Console.json(plan) : text)
        if !isWhole { throw ExitStatus.interrupted }
    }

    private func tell(_ summary: Replay.Summary, _ meter: ReplayMeter) throws {
        meter.clear()
        let topics = summary.topics.isEmpty ? "" : " to \(summary.topics.joined(separator: ", "))"
        let line =
            "replay \(summary.id) of \(summary.source): \(summary.events) \(summary.unit) published\(topics)"
            + (summary.leftOut > 0 ? "; \(summary.leftOut) that cannot be written were left out, see the log" : "")
        Console.print(format == .json ? Console.json(summary) : line)
        guard summary.isDone else {
            Console.error("stopped before the end; continue with \(Replay.resumeCommand(summary.id, rate: rate))")
            throw ExitStatus.interrupted
        }
    }
}
