import Foundation
import Mongo
import Testing

@testable import Runtime
@testable import StreamBridge

/// A running bridge as probes, Prometheus and people see it.
@Suite struct HTTPMongodTests {
    static func listen(_ configuration: inout BridgeConfiguration) {
        configuration.http = HTTPSettings(listen: "127.0.0.1:0", token: nil)
    }

    /// Asks until the answer is as wanted.
    @discardableResult
    private static func ask(
        _ bridge: RunningBridge, _ path: String, for what: String, until isWanted: (HTTPReply) throws -> Bool
    ) throws -> HTTPReply {
        try bridge.ask(path, until: what, isWanted)
    }

    private static func status(_ reply: HTTPReply) throws -> BSONDocument { try BSONDocument(extendedJSON: reply.body) }

    private static func first(_ list: String, _ reply: HTTPReply) throws -> BSONDocument {
        try #require(try status(reply)[list]?.arrayValue?.first?.documentValue)
    }

    // MARK: Figures

    @Test(arguments: Delivery.allCases)
    func statusAndMetricsOfAStreamAgreeWithWhatWasWritten(_ delivery: Delivery) async throws {
        try await Scene.play { scene in
            try scene.insert(Scene.numbers(0..<30))
            try scene.update(1, ["$set": ["n": 1]])
            try scene.delete(2)
            let bridge = try scene.bridge([scene.stream { $0.delivery = delivery }], Self.listen)
            try scene.follow().wait(count: 32)
            // A consumer that reads uncommitted sees them before they count.
            let reply = try Self.ask(bridge, "/status", for: "the last position") { reply in
                let stream = try Self.first("streams", reply)
                return stream["totals"]?.documentValue?["records"]?.int64Value == 32
                    && stream["totals"]?.documentValue?["positions"]?.int64Value ?? 0 > 1 && stream["state"] == "idle"
                    && stream["queue"]?.documentValue?["unacknowledged"] == 0
            }
            #expect(reply.status == 200)
            #expect(reply.headers["content-type"] == "application/json")
            #expect(reply.headers["cache-control"] == "no-store")
            #expect(reply.headers["x-content-type-options"] == "nosniff")
            let status = try Self.status(reply)
            #expect(status["name"]?.stringValue == scene.name)
            #expect(status["ready"] == true)
            let mongoDB = try #require(status["mongodb"]?.documentValue)
            #expect(mongoDB["reachable"] == true)
            #expect(mongoDB["replicaSet"] == "shared")
            let stream = try Self.first("streams", reply)
            #expect(stream["watch"]?.stringValue == "\(scene.database).fruits")
            #expect(stream["delivery"]?.stringValue == delivery.rawValue)
            #expect(stream["isLeader"] == true)
            let totals = try #require(stream["totals"]?.documentValue)
            #expect(totals["events"]?.documentValue == ["delete": 1, "insert": 30, "update": 1])
            #expect(totals["takeovers"] == 1)
            #expect(totals["gaps"] == 0)
            let bytes = try scene.events().reduce(into: [String: Int]()) { bytes, event in
                bytes[event["operationType"]?.stringValue ?? "", default: 0] += event.withUnsafeBytes { $0.count }
            }
            #expect(totals["bytes"]?.documentValue?["insert"]?.int64Value == bytes["insert"].map { Int64($0) })
            #expect(try stream["position"]?.documentValue?["token"]?.stringValue == scene.position()?.position.token.data)
            #expect(stream["lagSeconds"]?.doubleValue ?? .infinity < 5)
            #expect(stream["positionAgeSeconds"]?.doubleValue ?? .infinity < 60)
            #expect(stream["commit"]?.documentValue?["count"]?.int64Value ?? 0 > 0)
            #expect(stream["commit"]?.documentValue?["maxSeconds"]?.doubleValue ?? 0 > 0)

            let metrics = try bridge.ask("/metrics")
            #expect(metrics.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            func value(_ name: String, _ labels: String = "") -> Double? {
                metrics.value(of: "bridge_stream_\(name){stream=\"fruits\"\(labels)}")
            }
            #expect(value("events_total", ",operation=\"insert\"") == 30)
            #expect(value("events_total", ",operation=\"update\"") == 1)
            #expect(value("events_total", ",operation=\"replace\"") == 0)
            #expect(value("event_bytes_total", ",operation=\"insert\"") == bytes["insert"].map { Double($0) })
            #expect(value("records_total") == 32)
            #expect(value("leader") == 1)
            #expect(value("takeovers_total") == 1)
            #expect(value("state", ",state=\"halted\"") == 0)
            #expect(value("retries_total", ",class=\"network\"") == 0)
            #expect(value("commit_seconds_count") ?? 0 > 0)
            #expect(value("batch_events_sum") == 32)
            #expect(value("transaction_records_sum") == (delivery == .exactlyOnce ? 32 : 0))
            #expect(value("queue_limit_bytes") ?? 0 > 0)
            #expect(metrics.value(of: "bridge_ready") == 1)
            #expect(metrics.value(of: "bridge_mongodb_pool_clients{pool=\"reading\"}") ?? 0 >= 1)
            #expect(metrics.value(of: "process_open_fds") ?? 0 > 3)
            if Promtool.path != nil {
                let (status, output) = try Promtool.check(metrics: metrics.body)
                #expect(status == 0, "\(output)")
            }
            #expect(try bridge.stop().isEmpty)
        }
    }

    @Test(arguments: Delivery.allCases)
    func statusAndMetricsOfADispatcherAgreeWithItsOutcomes(_ delivery: Delivery) async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: Dispatching.trucks(1...3)) { $0.delivery = delivery }
            let bridge = try scene.bridge(dispatching, changing: Self.listen)
            let pool = try Self.ask(bridge, "/status", for: "the pool") { reply in
                (try Self.status(reply))["dispatchers"]?.arrayValue?.first?.documentValue?["freeResources"] == 3
            }
            #expect(try Self.first("dispatchers", pool)["totals"]?.documentValue?["outcomes"]?.documentValue == [:])
            try dispatching.send([
                CommandText.dispatch("c-1", 1), CommandText.dispatch("c-2", 1), CommandText.dispatch("c-3", 2),
                CommandText.dispatch("c-4", 3), "no command",
            ])
            try dispatching.outcomes(count: 4)
            let reply = try Self.ask(bridge, "/status", for: "every command answered") { reply in
                let dispatcher = try Self.first("dispatchers", reply)
                let counts = dispatcher["totals"]?.documentValue?["outcomes"]?.documentValue
                return counts?.keys.compactMap { counts?[$0]?.int64Value }.reduce(0, +) == 4 && dispatcher["lagRecords"] == 0
                    && dispatcher["freeResources"] == 0 && dispatcher["commit"]?.documentValue?["count"]?.int64Value ?? 0 > 0
            }
            let dispatcher = try Self.first("dispatchers", reply)
            #expect(dispatcher["state"] == "streaming")
            #expect(dispatcher["partitions"] == 1)
            #expect(dispatcher["totals"]?.documentValue?["deadLetters"] == 1)
            let last = dispatcher["lastOutcomes"]?.arrayValue?.compactMap(\.documentValue) ?? []
            #expect(Set(last.compactMap { $0["id"]?.stringValue }) == ["c-1", "c-2", "c-3", "c-4"])
            let first = try #require(last.first { $0["id"] == "c-1" })
            #expect(first["requested"] == 1)
            #expect(first["message"] == "Truck #1 has been sent out.")

            let metrics = try bridge.ask("/metrics")
            let outcomes = try #require(dispatcher["totals"]?.documentValue?["outcomes"]?.documentValue)
            for status in Outcome.Status.allCases {
                let series = "bridge_dispatcher_outcomes_total{dispatcher=\"shipments\",status=\"\(status)\"}"
                #expect(metrics.value(of: series) == Double(outcomes[status.rawValue]?.int64Value ?? 0), "\(status)")
            }
            #expect(metrics.value(of: "bridge_dispatcher_dead_letters_total{dispatcher=\"shipments\"}") == 1)
            #expect(metrics.value(of: "bridge_dispatcher_batch_commands_sum{dispatcher=\"shipments\"}") == 5)
            #expect(metrics.value(of: "bridge_mongodb_pool_limit_clients{pool=\"writing\"}") == 20)
            #expect(try bridge.stop().isEmpty)
        }
    }

    @Test(.enabled(if: PrometheusServer.path != nil, "prometheus is not installed (Debian: prometheus)"))
    func aPrometheusScrapesTheBridge() async throws {
        try await Scene.play { scene in
            try scene.insert(Scene.numbers(0..<7))
            let bridge = try scene.bridge([scene.stream()]) { $0.http = HTTPSettings(listen: "127.0.0.1:0", token: "s3cret") }
            try scene.follow().wait(count: 7)
            let prometheus = try PrometheusServer(scraping: bridge.port(), token: "s3cret")
            try prometheus.wait(for: #""1"]"#, in: "up")
            try prometheus.wait(for: #""7"]"#, in: #"bridge_stream_records_total{stream="fruits"}"#)
            try prometheus.wait(for: #""7"]"#, in: #"bridge_stream_batch_events_sum{stream="fruits"}"#)
            #expect(try bridge.stop().isEmpty)
        }
    }

    @Test func commandsThatCannotBeCarriedOutAreTheLag() async throws {
        try await Scene.playAlone { scene, server in
            let dispatching = try Dispatching(scene, trucks: Dispatching.trucks(1...3))
            let bridge = try scene.bridge(dispatching, changing: Self.listen)
            try dispatching.send([CommandText.dispatch("c-1", 1)])
            try dispatching.outcomes(count: 1)
            server.signal(SIGSTOP)
            try dispatching.send([CommandText.dispatch("c-2", 2), CommandText.dispatch("c-3", 3)])
            try Self.ask(bridge, "/status", for: "two commands that wait") { reply in
                try Self.first("dispatchers", reply)["lagRecords"] == 2
            }
            server.signal(SIGCONT)
            try dispatching.outcomes(count: 3)
            try Self.ask(bridge, "/status", for: "no command that waits") { reply in
                try Self.first("dispatchers", reply)["lagRecords"] == 0
            }
            #expect(try bridge.stop().isEmpty)
        }
    }

    // MARK: Readiness

    @Test func aHaltedStreamIsNotReadyAndSaysWhy() async throws {
        try await Scene.play { scene in
            let bad = scene.stream("bad") { $0.pipeline = #"[{"$matsch":{}}]"# }
            let bridge = try scene.bridge([scene.stream(), bad], Self.listen)
            try scene.log.wait(for: "halted: ")
            let reply = try bridge.ask("/readyz")
            #expect(reply.status == 503)
            #expect(reply.body.hasPrefix("stream bad is halted: "))
            #expect(reply.body.contains("$matsch"))
            #expect(reply.body.contains("Check the stream's pipeline"))
            #expect(try bridge.ask("/healthz").status == 200)
            let streams = try Self.status(bridge.ask("/status"))["streams"]?.arrayValue?.compactMap(\.documentValue)
            let stream = try #require(streams?.first { $0["name"] == "bad" })
            #expect(stream["state"] == "halted")
            #expect(stream["remedy"]?.stringValue?.hasPrefix("Check the stream's pipeline") == true)
            #expect(stream["isLeader"] == false)
            let metrics = try bridge.ask("/metrics")
            #expect(metrics.value(of: "bridge_stream_halts_total{stream=\"bad\"}") == 1)
            #expect(metrics.value(of: "bridge_stream_state{stream=\"bad\",state=\"halted\"}") == 1)
            #expect(metrics.value(of: "bridge_stream_halts_total{stream=\"fruits\"}") == 0)
            #expect(metrics.value(of: "bridge_ready") == 0)
            #expect(try bridge.stop().count == 1)
        }
    }

    @Test func aServerThatIsAwayIsNotReadyUntilItIsBack() async throws {
        try await Scene.playAlone { scene, server in
            let bridge = try scene.bridge([scene.stream()], Self.listen)
            try scene.insert(Scene.numbers(0..<10))
            try scene.follow().wait(count: 10)
            try Self.ask(bridge, "/readyz", for: "a ready bridge") { $0.status == 200 }
            server.crash()
            let away = try Self.ask(bridge, "/readyz", for: "a bridge that is not ready") { $0.status == 503 }
            #expect(away.body.hasPrefix("MongoDB cannot be reached: "))
            // A stream that tries again is alive.
            #expect(try bridge.ask("/healthz").status == 200)
            try Self.ask(bridge, "/status", for: "a lag that grows") { reply in
                let stream = try Self.first("streams", reply)
                return stream["state"] == "retrying" && stream["lagSeconds"]?.doubleValue ?? 0 > 2
                    && stream["totals"]?.documentValue?["retries"]?.documentValue?["network"]?.int64Value ?? 0 > 0
            }
            try server.restart()
            let back = try Self.ask(bridge, "/readyz", for: "a ready bridge again") { $0.status == 200 }
            #expect(back.body == "ready\n")
            try Self.ask(bridge, "/status", for: "no lag") { reply in
                try Self.first("streams", reply)["lagSeconds"]?.doubleValue ?? .infinity < 2
            }
            #expect(try bridge.stop().isEmpty)
        }
    }

    @Test(.disabled(if: TestKafka.isReal, "the broker is not ours to stop"))
    func aKafkaThatIsAwayIsNotReadyUntilItIsBack() async throws {
        try await Scene.play { scene in
            let bridge = try scene.bridge([scene.stream()], Self.listen)
            try scene.insert(Scene.numbers(0..<10))
            try scene.follow().wait(count: 10)
            try Self.ask(bridge, "/readyz", for: "a ready bridge") { $0.status == 200 }
            scene.kafka.setReachable(false)
            let away = try Self.ask(bridge, "/readyz", for: "a bridge that is not ready") { $0.status == 503 }
            #expect(away.body.hasPrefix("Kafka cannot be reached: "))
            scene.kafka.setReachable(true)
            try Self.ask(bridge, "/readyz", for: "a ready bridge again") { $0.status == 200 }
            #expect(try bridge.stop().isEmpty)
        }
    }

    // MARK: Health

    @Test func everyLoopThatWorksGivesASignOfLife() async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: Dispatching.trucks(1...3))
            try scene.kafka.create(topic: scene.topic())
            let bridge = try scene.bridge(dispatching) {
                Self.listen(&$0)
                $0.streams = [scene.stream()]
            }
            try scene.insert(Scene.numbers(0..<1))
            try scene.follow().wait(count: 1)
            try dispatching.send([CommandText.dispatch("c-1", 1)])
            try dispatching.outcomes(count: 1)
            // The reader rests in its getMore.
            let working = Set(
                ["publish fruits", "lead fruits", "dispatch shipments", "answer shipments"] + (0..<4).map { "work \($0) shipments" })
            #expect(working.subtracting(bridge.loopsAwake) == [])
            #expect(try bridge.ask("/healthz").body == "ok\n")
            #expect(try bridge.stop().isEmpty)
            #expect(bridge.loopsAwake == [])
        }
    }

    @Test func aWorkerThatWaitsForAFrozenServerIsNotTakenForStuck() async throws {
        try await Scene.playAlone { scene, server in
            let dispatching = try Dispatching(scene, trucks: Dispatching.trucks(1...4))
            let bridge = try scene.bridge(dispatching, changing: Self.listen)
            _ = try dispatching.answer(to: CommandText.dispatch("c-1", 1))
            #expect(bridge.loopsAwake.contains("work 0 shipments"))
            server.signal(SIGSTOP)
            defer { server.signal(SIGCONT) }
            try dispatching.send([CommandText.dispatch("c-2", 2)])
            let deadline = ContinuousClock.now + Patience.limit
            var backoff = Backoff(initial: .milliseconds(10), cap: .milliseconds(200))
            while bridge.loopsAwake.contains("work 0 shipments") {
                guard .now < deadline else { throw WaitedInVain(what: "the worker to rest in its call") }
                backoff.pause()
            }
            server.signal(SIGCONT)
            try dispatching.outcomes(count: 2)
            #expect(try bridge.stop().isEmpty)
        }
    }

    // MARK: The server
}
