import Mongo

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// One session of a publisher, with the events that `SampleEvent` makes. Used on one thread.
final class PublisherSession {
    let publisher: any RecordPublisher
    let status = StreamStatus(stream: "inventory", logger: .silent)
    let stop = StopSignal()
    /// Not kept by the session, so that a test can see who else does.
    private(set) weak var client: KafkaClient?
    private let topics: [KafkaTopic]
    private let encoder = EventEncoder(.sample())

    /// - Parameters:
    ///   - bridge: names the transactional id; nil for at-least-once.
    ///   - properties: over those that a stream's producer has.
    init(
        _ settings: KafkaSettings, topic: String, positions: String, bridge: String? = nil, stream: String = "inventory",
        term: StreamLeadership.Term? = nil, _ properties: [String: String] = [:]
    ) throws {
        var settings = settings
        settings.producer.merge(properties) { $1 }
        let producer = try KafkaProducer(
            properties: ProducerProperties.make(
                settings, memory: StreamMemory(limit: 64 << 20, streams: 1), transactional: bridge.map { .stream(stream, of: $0) }),
            logger: .silent)
        client = producer.client
        let identity = StreamIdentity(stream: stream, options: "00aa", replicaSet: "rs0", writer: "test/1")
        publisher =
            bridge == nil
            ? try AtLeastOncePublisher(
                producer: producer, positionsTopic: positions, identity: identity, term: term, status: status, stop: stop)
            : try TransactionalPublisher(
                producer: producer, positionsTopic: positions, identity: identity, term: term, transactionTimeout: .seconds(60),
                status: status, stop: stop)
        topics = [try publisher.topic(topic)]
    }

    /// Publishes the inserts with these numbers.
    func publish(_ numbers: ClosedRange<Int32>) throws {
        var batch = RecordBatch()
        for number in numbers { try encoder.encode(SampleEvent.insert(number), into: &batch) }
        try publisher.publish(batch, to: topics)
    }

    /// Publishes the inserts with these numbers, and seals the position after the last one.
    func publishAndSeal(_ numbers: ClosedRange<Int32>) throws {
        try publish(numbers)
        try publisher.seal(Self.position(numbers.upperBound))
    }

    static func position(_ number: Int32) -> StreamPosition {
        StreamPosition(token: SampleEvent.token(number), wallTime: SampleEvent.wallTime(number), events: Int64(number))
    }

    func wait(for what: String, until isDone: (StreamStatus.Snapshot) -> Bool) throws {
        let deadline = ContinuousClock.now + Patience.limit
        while !isDone(status.snapshot) {
            guard .now < deadline else { throw WaitedInVain(what: what) }
            try publisher.serve(timeout: .milliseconds(100))
        }
    }
}
