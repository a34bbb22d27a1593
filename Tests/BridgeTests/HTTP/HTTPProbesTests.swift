import Mongo
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// What probes are told of a bridge whose loops keep turning and get nowhere.
@Suite struct HTTPProbesTests {
    private let stream = StreamStatus(stream: "inventory", logger: .silent)
    private let dispatcher = DispatchStatus(dispatcher: "shipments", logger: .silent)
    private let paths: HTTPPaths

    init() throws {
        let observer = BridgeObserver(configuration: SampleConfiguration.make(), loops: Watchdog(), stop: StopSignal())
        let settings = KafkaSettings(common: ["bootstrap.servers": "127.0.0.1:1"], producer: [:], consumer: [:])
        observer.runs(
            .init(
                deployment: Deployment(replicaSet: "rs0", isSharded: false, version: "6.0.5"), pools: [], streams: [stream],
                dispatchers: [dispatcher], kafka: KafkaProbe(admin: try KafkaAdmin(settings: settings, logger: .silent), topic: "t")))
        paths = HTTPPaths(HTTPSettings(listen: "127.0.0.1:0", token: "s3cret"), observer: observer)
        dispatcher.owns(partitions: 1)
    }

    private func ask(_ path: String, after seconds: Int, token: String? = "Bearer s3cret") -> (isGood: Bool, text: String) {
        let answer = paths.answer(
            method: "GET", path: path, host: "bridge.example", authorization: token, at: .now + .seconds(seconds))
        return (answer.status == .ok, String(decoding: answer.body, as: UTF8.self))
    }

    @Test func aStreamWhoseRecordsAreNotAcknowledgedIsNotReadyAndNotHealthyForGood() throws {
        for _ in 0..<2 { stream.kafkaFailed(WaitsFor(description: "Kafka has acknowledged nothing for 5 s", kind: .kafka)) }
        #expect(stream.snapshot.state == .retrying)
        #expect(ask("/readyz", after: 1).isGood)
        #expect(ask("/readyz", after: 6).text == "stream inventory is retrying: Kafka has acknowledged nothing for 5 s\n")
        #expect(ask("/readyz", after: 6, token: nil).text == "stream inventory is retrying\n")
        #expect(ask("/healthz", after: 30).text == "ok\n")
        let ill = ask("/healthz", after: 61)
        #expect(!ill.isGood)
        #expect(ill.text.hasPrefix("stream inventory has failed at the same for 61 s, since 20"))
        #expect(ill.text.hasSuffix("Z: Kafka has acknowledged nothing for 5 s\n"))
        #expect(ask("/healthz", after: 61, token: nil).text.hasSuffix("Z\n"))
        let status = try BSONDocument(extendedJSON: ask("/status", after: 61).text)
        #expect(status["healthy"] == false)
        #expect(status["unhealthy"]?.arrayValue?.count == 1)
        #expect(ask("/metrics", after: 61).text.contains("\nbridge_healthy 0\n"))

        stream.published(1)
        #expect(ask("/readyz", after: 61).isGood)
        #expect(ask("/healthz", after: 61).isGood)
        #expect(ask("/metrics", after: 61).text.contains("\nbridge_healthy 1\n"))
    }

    @Test func aServerThatCannotBeReachedLeavesTheBridgeHealthy() {
        for _ in 0..<2 { dispatcher.mongoFailed(MongoError(kind: .network, operation: "insert", message: "broken"), of: .worker(0)) }
        // One retry later it may have answered.
        #expect(ask("/readyz", after: 1).isGood)
        #expect(ask("/readyz", after: 6).text.hasPrefix("MongoDB cannot be reached: "))
        #expect(ask("/readyz", after: 6).text.split(separator: "\n").count == 1)
        #expect(ask("/healthz", after: 100).isGood)
        // Another loop's refusals are no reason to restart either while it is so: nobody knows what the server would
        // say.
        for _ in 0..<2 { stream.mongoFailed(MongoError(kind: .server(code: 8000), operation: "read", message: "no")) }
        #expect(ask("/healthz", after: 100).isGood)
    }

    @Test func everyLoopThatIsRefusedHasALine() {
        let refused = MongoError(kind: .server(code: 8000), operation: "insert", message: "not this one")
        for _ in 0..<2 {
            stream.mongoFailed(refused)
            dispatcher.mongoFailed(refused, of: .worker(0))
            dispatcher.mongoFailed(refused, of: .worker(1))
        }
        let lines = ask("/healthz", after: 61).text.split(separator: "\n")
        #expect(
            lines.map { $0.prefix { $0 != "," } } == ["stream inventory has failed at the same for 61 s"]
                + Array(repeating: "dispatcher shipments has failed at the same for 61 s", count: 2))
    }
}
