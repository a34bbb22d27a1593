import Foundation
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

@Suite(.blocking) struct SendTests {
    private static func command(_ id: String?, truck: Int = 4) -> String {
        "{" + (id.map { "\"id\":\"\($0)\"," } ?? "")
            + "\"truck_id\":\(truck),\"source\":\"New York\",\"destination\":\"Atlanta\",\"product\":\"socks\",\"quantity\":40}"
    }

    private let topics: CommandTopics
    private let folder: TemporaryFolder
    private let events = Collected<Send.Event>()

    init() throws {
        topics = try CommandTopics(partitions: 4)
        folder = try TemporaryFolder()
    }

    private func sender(
        isUnchecked: Bool = false, wait: Duration? = nil, _ change: (inout BridgeConfiguration) -> Void = { _ in }
    ) -> Send {
        Send(
            configuration: topics.configuration(change), dispatcher: topics.dispatcher, isUnchecked: isUnchecked, outcomesWithin: wait,
            logger: .silent)
    }

    private func send(_ text: String, with send: Send? = nil) async throws -> Send.Summary {
        let (send, events) = (send ?? sender(), events)
        return try await send.run(.file(folder.write(text, to: "commands"))) { events.append($0) }
    }

    private var faults: [String] {
        events.all.compactMap { if case .fault(let line, let message) = $0 { "\(line): \(message)" } else { nil } }
    }

    // MARK: Files

    @Test func eachLineIsARecordAndACompletionHasTheKeyOfWhatItEnds() async throws {
        let lines = [Self.command("c-1"), #"{"id":"r-1","complete":"c-1"}"#, Self.command("c-2", truck: 5), #"{"complete":"c-2"}"#]
        let summary = try await send(lines[0] + "\r\n\n  \t\n" + lines[1] + "\n" + lines[2] + "\n" + lines[3])
        #expect(summary == Send.Summary(topic: topics.dispatcher.commands, sent: 4))
        let records = try topics.records()
        #expect(Set(records.compactMap(\.text)) == Set(lines))
        for (id, ended) in [("c-1", lines[1]), ("c-2", lines[3])] {
            let own = records.filter { $0.keyText == id }
            #expect(own.count == 2)
            #expect(Set(own.map(\.partition)).count == 1)
            #expect(own.last?.text == ended)
        }
        #expect(records.allSatisfy { $0.headerNames.isEmpty })
    }

    @Test func aCommandWithoutAnIDHasNoKey() async throws {
        #expect(try await send(Self.command(nil)).sent == 1)
        let records = try topics.records()
        #expect(records.map(\.keyText) == [nil])
        #expect(records.map(\.text) == [Self.command(nil)])
    }

    @Test func everyFaultOfAFileIsReportedAndNothingIsSent() async throws {
        let summary = try await send(
            [Self.command("c-1"), "nonsense", "", #"{"id":"c-2","truckid":4}"#, Self.command("c-3")].joined(separator: "\n"))
        #expect(summary == Send.Summary(topic: topics.dispatcher.commands, faults: 2))
        #expect(faults.count == 2)
        #expect(faults.first?.hasPrefix("2: the record is not JSON") == true)
        #expect(faults.last == #"4: unknown field "truckid"; did you mean "truck_id"?"#)
        #expect(try topics.records().isEmpty)
    }

    @Test func uncheckedLinesGoAsTheyAre() async throws {
        let lines = ["nonsense", #"{"id":"c-2","truck":4}"#]
        #expect(try await send(lines.joined(separator: "\n"), with: sender(isUnchecked: true)).sent == 2)
        let records = try topics.records()
        #expect(Set(records.compactMap(\.text)) == Set(lines))
        #expect(records.first { $0.text == lines[0] }?.keyText == nil)
        #expect(records.first { $0.text == lines[1] }?.keyText == "c-2")
    }

    @Test func aLineThatKafkaWouldNotTakeIsAFault() async throws {
        let text = Self.command("c-1") + "\n" + String(repeating: "x", count: 3_000) + "\n"
        let summary = try await send(text, with: sender(isUnchecked: true) { $0.kafka.common["message.max.bytes"] = "2000" })
        #expect(summary.faults == 1)
        #expect(faults == ["2: the line has 3000 bytes, and kafka.message.max.bytes is 2000"])
        #expect(try topics.records().isEmpty)
    }

    @Test func aLongFileIsSentWhole() async throws {
        let count = 5_000
        let text = (0..<count).map { Self.command("c-\($0)") + "\n" }.joined()
        #expect(try await send(text).sent == count)
        #expect(Set(try topics.records().compactMap(\.keyText)).count == count)
        #expect(events.all.contains { if case .checked(4000) = $0 { true } else { false } })
    }

    @Test(arguments: ["/nowhere/commands", "/tmp"])
    func whatCannotBeReadIsSaid(_ path: String) async throws {
        await #expect(throws: Send.Unreadable.self) { try await sender().run(.file(path)) { _ in } }
    }

    // MARK: What can be read only once

    /// A pipe with a name, open for writing.
    private func pipe() async throws -> (path: String, writing: FileHandle, sending: Task<Send.Summary, any Error>, send: Send) {
        let path = folder.url.appending(path: "pipe").path
        #expect(mkfifo(path, 0o600) == 0)
        let (send, events) = (sender(), events)
        let sending = Task { try await send.run(.file(path)) { events.append($0) } }
        let writing = await LoopThread.run(name: "open") { FileHandle(forWritingAtPath: path) }
        return (path, try #require(writing), sending, send)
    }

    @Test func aPipeIsSentUpToItsFirstFault() async throws {
        let (_, writing, sending, _) = try await pipe()
        // In one piece: the reader closes the pipe at the faulty line.
        let lines = [Self.command("c-1"), Self.command("c-2"), "nonsense", Self.command("c-3")]
        try writing.write(contentsOf: Data(lines.joined(separator: "\n").utf8))
        let summary = try await sending.value
        try writing.close()
        #expect(summary == Send.Summary(topic: topics.dispatcher.commands, sent: 2, faults: 1))
        #expect(faults.count == 1)
        #expect(Set(try topics.records().compactMap(\.keyText)) == ["c-1", "c-2"])
    }

    @Test func aStopEndsTheWaitForMoreLines() async throws {
        let (_, writing, sending, send) = try await pipe()
        try writing.write(contentsOf: Data((Self.command("c-1") + "\n" + "half of a li").utf8))
        let topics = topics
        try await blocking { try TopicFollower(topics.dispatcher.commands, partitions: 4, on: topics.kafka.settings).wait(count: 1) }
        send.requestStop()
        let summary = try await sending.value
        try writing.close()
        #expect(summary.isStopped)
        #expect(summary.sent == 1)
        #expect(faults.isEmpty)
    }

    // MARK: Outcomes

    @Test func outcomesAreWaitedForAndTheMissingOnesNamed() async throws {
        // Longer than any machine is busy: the stop ends it.
        let send = sender(wait: .seconds(600))
        let (topics, events) = (topics, events)
        let path = try folder.write([Self.command("c-1"), Self.command("c-2")].joined(separator: "\n"), to: "commands")
        // An outcome of before is none of its business.
        try topics.write([.init(key: "c-2", text: #"{"id":"c-2","status":"rejected","message":"old"}"#)], to: topics.dispatcher.outcomes)
        let sending = Task { try await send.run(.file(path)) { events.append($0) } }
        let outcome = #"{"id":"c-1","status":"dispatched","message":"Truck #4 has been sent out."}"#
        try await blocking {
            try TopicFollower(topics.dispatcher.commands, partitions: 4, on: topics.kafka.settings).wait(count: 2)
            try topics.write(
                [
                    .init(text: "nonsense"), .init(key: "x", text: #"{"id":"x","status":"s","message":"m"}"#),
                    .init(key: "c-1", text: outcome),
                ],
                to: topics.dispatcher.outcomes)
            // The other one does not come.
            try events.wait(for: "an outcome") { if case .outcome = $0 { true } else { false } }
            send.requestStop()
        }
        let summary = try await sending.value
        #expect(summary.sent == 2)
        #expect(summary.unanswered == ["c-2"])
        let outcomes = events.all.compactMap { if case .outcome(let outcome) = $0 { outcome } else { nil } }
        #expect(outcomes.map(\.id) == ["c-1"])
        #expect(outcomes.map(\.status) == ["dispatched"])
        #expect(outcomes.map(\.json) == [outcome])
        #expect(events.all.contains { if case .waiting(sent: 2) = $0 { true } else { false } })
    }

    /// Two texts that people read alike are two ids.
    @Test func idsAreComparedByTheirBytes() async throws {
        let send = sender(wait: .seconds(600))
        let (topics, events) = (topics, events)
        let forms = ["caf\u{E9}", "cafe\u{301}"]
        let path = try folder.write(forms.map { Self.command($0) }.joined(separator: "\n"), to: "commands")
        let sending = Task { try await send.run(.file(path)) { events.append($0) } }
        try await blocking {
            try TopicFollower(topics.dispatcher.commands, partitions: 4, on: topics.kafka.settings).wait(count: 2)
            try topics.write(
                forms.map { .init(key: $0, text: #"{"id":"\#($0)","status":"dispatched","message":"m"}"#) },
                to: topics.dispatcher.outcomes)
        }
        #expect(try await sending.value.unanswered.isEmpty)
        let outcomes = events.all.compactMap { if case .outcome(let outcome) = $0 { outcome } else { nil } }
        #expect(Set(outcomes.map { Array($0.id.utf8) }) == Set(forms.map { Array($0.utf8) }))
    }

    @Test func outcomesCannotBeWaitedForWithoutIDs() async throws {
        let summary = try await send(Self.command(nil) + "\n" + Self.command("c-1"), with: sender(wait: .seconds(1)))
        #expect(summary.faults == 1)
        #expect(faults == ["1: there is no id, by which its outcome could be recognised"])
        #expect(try topics.records().isEmpty)
    }

    // MARK: Kafka

    @Test func aKafkaThatIsAwayIsUnreachable() async throws {
        let send = sender {
            $0.kafka.common["bootstrap.servers"] = "127.0.0.1:1"
            $0.startupTimeout = .seconds(1)
        }
        let unreachable = await #expect(throws: Unreachable.self) { try await self.send(Self.command("c-1"), with: send) }
        #expect(unreachable?.server == "Kafka")
        #expect(unreachable?.description.contains("Connection refused") == true)
        #expect(unreachable?.description.contains("mongodb.uri") == false)
    }

    @Test func aKafkaThatGoesAwayEndsTheSendingWithWhatWasStored() async throws {
        let brokers = try MockBrokers()
        try brokers.create(topic: topics.dispatcher.commands)
        let events = events
        let send = sender {
            $0.kafka = brokers.settings
            $0.startupTimeout = .seconds(5)
        }
        let path = folder.url.appending(path: "pipe").path
        #expect(mkfifo(path, 0o600) == 0)
        let sending = Task { try await send.run(.file(path)) { events.append($0) } }
        let opened = await LoopThread.run(name: "open") { FileHandle(forWritingAtPath: path) }
        let writing = try #require(opened)
        try writing.write(contentsOf: Data((Self.command("c-1") + "\n").utf8))
        let topic = topics.dispatcher.commands
        try await blocking { try TopicFollower(topic, on: brokers.settings).wait(count: 1) }
        brokers.takeDown(1)
        try writing.write(contentsOf: Data((Self.command("c-2") + "\n").utf8))
        try writing.close()
        let interrupted = await #expect(throws: SendingInterrupted.self) { try await sending.value }
        #expect(interrupted?.sent == 1)
        #expect(interrupted?.cause is Unreachable)
    }

    @Test(.disabled(if: TestKafka.isReal, "a real broker hides nothing"))
    func aTopicThatIsMissingAndMayNotBeMadeIsToBeMended() async throws {
        topics.kafka.hide(topic: topics.dispatcher.commands)
        let send = sender { $0.topics.create = false }
        let halt = await #expect(throws: Halt.self) { try await self.send(Self.command("c-1"), with: send) }
        #expect(halt?.status == .configuration)
        #expect(halt?.remedy.contains("kafka-topics --create --topic \(topics.dispatcher.commands)") == true)
    }

    @Test func anUnknownDispatcherIsAnsweredWithTheNearest() throws {
        let configuration = topics.configuration()
        #expect(try configuration.dispatcher("shipments").name == "shipments")
        let nearest = #expect(throws: UnknownName.self) { try configuration.dispatcher("shipment") }
        #expect(nearest?.description == "there is no dispatcher `shipment`; did you mean `shipments`? known: shipments")
        let other = #expect(throws: UnknownName.self) { try configuration.dispatcher("trucks-of-others") }
        #expect(other?.description == "there is no dispatcher `trucks-of-others`; known: shipments")
    }
}
