import Mongo
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// Stored positions: a stop and a restart without a gap and without a repeat.
@Suite struct PositionsMongodTests {
    @Test func aGracefulStopAndARestartNeitherLoseNorRepeat() async throws {
        try await Scene.play { scene in
            var written = 0
            for round in 1...4 {
                let bridge = try scene.bridge([scene.stream()])
                for _ in 0..<3 {
                    try scene.insert((0..<50).map { ["_id": .int32(Int32(written + $0))] })
                    written += 50
                }
                if round.isMultiple(of: 2) { try scene.follow().wait(count: written) }
                // On odd rounds the stop comes amid the load: what is left is the next round's.
                #expect(try bridge.stop().isEmpty)
            }
            let last = try scene.bridge([scene.stream()])
            try scene.follow().wait(count: written)
            #expect(try last.stop().isEmpty)
            let expected = try scene.events().compactMap { $0["_id"]?.documentValue?["_data"]?.stringValue }
            #expect(try scene.records().map(\.token) == expected)
            #expect(try scene.position()?.position.events == Int64(written))
        }
    }

    @Test func writesWhileTheBridgeIsDownArriveAfterItsRestart() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]])
            _ = try scene.publish([scene.stream()], count: 1)
            try scene.insert([["_id": 2], ["_id": 3]])
            // startAt counts only for a stream without a stored position.
            let records = try scene.publish([scene.stream { $0.startAt = .now }], count: 3)
            #expect(
                records.map(\.keyText) == [#"{"_id":{"$numberInt":"1"}}"#, #"{"_id":{"$numberInt":"2"}}"#, #"{"_id":{"$numberInt":"3"}}"#])
        }
    }

    @Test func aPositionSaysWhatTheContractPromises() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1], ["_id": 2]])
            let records = try scene.publish([scene.stream()], count: 2)
            let record = try #require(try scene.records(scene.positionsTopic).last)
            #expect(record.keyText == "fruits")
            let value = try record.document()
            #expect(
                value.keys == [
                    "version", "stream", "token", "clusterTime", "wallTime", "events", "options", "replicaSet", "writer", "writtenAt",
                ])
            #expect(value["version"] == 1)
            #expect(value["stream"] == "fruits")
            #expect(value["events"] == 2)
            #expect(value["replicaSet"] == "shared")
            let token = try #require(value["token"]?.documentValue?["_data"]?.stringValue)
            #expect(token >= records[1].token)
            let time = try #require(value["clusterTime"]?.stringValue)
            #expect(time.split(separator: ".").count == 2)
            #expect(value["wallTime"]?.int64Value == records[1].headers["mongodb.wallTime"].flatMap { Int64($0) })
        }
    }

    @Test func anIdleStreamStoresItsPostBatchToken() async throws {
        try await Scene.play { scene in
            let bridge = try scene.bridge([scene.stream()])
            let positions = try scene.follow(scene.positionsTopic)
            let first = try positions.wait(count: 1)[0]
            // Not one event; the writes of others move the token.
            try scene.insert([["_id": 1]], into: "noise")
            let later = try positions.wait(count: 2)[1]
            #expect(try bridge.stop().isEmpty)
            let tokens = try [first, later].map { try #require($0.document()["token"]?.documentValue?["_data"]?.stringValue) }
            #expect(tokens[0] < tokens[1])
            #expect(try scene.records().isEmpty)
        }
    }

    /// An idle deployment tells a time that is one tick older than the position that it gives.
    @Test func aStreamOnAnIdleDeploymentResumesWhereItBegan() async throws {
        try await Scene.playAlone { scene, _ in
            let first = try scene.bridge([scene.stream { $0.startAt = .now }])
            try scene.follow(scene.positionsTopic).wait(count: 1)
            #expect(try first.stop().isEmpty)
            let second = try scene.bridge([scene.stream { $0.startAt = .now }])
            try scene.insert([["_id": 1]])
            try scene.follow().wait(count: 1)
            #expect(try second.stop().isEmpty)
        }
    }

    /// A process that starts meanwhile looks at the newest position for the leader.
    @Test(arguments: [Delivery.exactlyOnce, .atLeastOnce])
    func aSessionStoresThePositionThatItBeginsAtUnderItsName(_ delivery: Delivery) async throws {
        try await Scene.play { scene in
            let stream = scene.stream { $0.delivery = delivery }
            try scene.insert([["_id": 1]])
            _ = try scene.publish([stream], count: 1)
            var stored = try #require(try scene.position())
            // A predecessor that had another pipeline.
            stored.writer = "elsewhere/1"
            stored.writtenAt = 0
            stored.options = "a-b-c-d-e"
            let producer = try ReportingProducer(scene.kafka.settings)
            #expect(try producer.produce(scene.positionsTopic, key: Array("fruits".utf8), value: stored.json))
            try producer.wait(acknowledged: 1)
            let bridge = try scene.bridge([stream])
            let records = try scene.follow(scene.positionsTopic).wait(for: "the position of this process") { records in
                records.contains {
                    $0.value.flatMap { try? StoredPosition(json: $0) }.map { $0.writer == Instance.name && $0.options == "a-b-c-d-e" }
                        ?? false
                }
            }
            let positions = try records.compactMap { try $0.value.map { try StoredPosition(json: $0) } }
            let claimed = try #require(positions.first { $0.writer == Instance.name && $0.options == "a-b-c-d-e" })
            #expect(claimed.position == stored.position)
            #expect(claimed.replicaSet == stored.replicaSet)
            #expect(try bridge.stop().isEmpty)
        }
    }

    /// Otherwise a crash before the first stored position would make `now` another moment.
    @Test func whereAStreamBeganIsStoredBeforeItsFirstEvent() async throws {
        try await Scene.play { scene in
            try scene.insert((1...3).map { ["_id": .int32($0)] })
            let events = try scene.publish([scene.stream()], count: 3)
            let first = try StoredPosition(json: try #require(try scene.records(scene.positionsTopic).first?.value))
            #expect(first.position.events == 0)
            #expect(try #require(first.position.token.data) < events[0].token)
        }
    }

    @Test func everyStoredPositionCoversOnlyWhatWasPublishedBefore() async throws {
        try await Scene.play { scene in
            let bridge = try scene.bridge([scene.stream()])
            for round in 0..<20 { try scene.insert((0..<100).map { ["_id": .int32(Int32(round * 100 + $0)), "text": "some text"] }) }
            try scene.follow().wait(count: 2000)
            #expect(try bridge.stop().isEmpty)
            let tokens = try scene.records().map(\.token)
            var stored = ""
            for record in try scene.records(scene.positionsTopic) {
                let position = try StoredPosition(json: try #require(record.value)).position
                let token = try #require(position.token.data)
                #expect(token >= stored)
                stored = token
                #expect(tokens.count { $0 <= token } == Int(position.events))
            }
        }
    }

    @Test func aChangedDefinitionIsSaidAndGoesOnFromThePosition() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1, "n": 1]])
            _ = try scene.publish([scene.stream()], count: 1)
            try scene.insert([["_id": 2, "n": 2], ["_id": 3, "n": 3]])
            let records = try scene.publish([scene.stream { $0.pipeline = #"[{"$match":{"fullDocument.n":{"$in":[1,3]}}}]"# }], count: 2)
            #expect(records.count == 2)
            #expect(scene.log.lines(containing: "changed since its position was stored").count == 1)
        }
    }

    /// Whatever is to be done about a lost position: this one is not lost, the URI is wrong.
    @Test func aPositionOfAnotherReplicaSetIsRefused() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]])
            _ = try scene.publish([scene.stream()], count: 1)
            try resumeElsewhere(scene)
        }
    }

    /// Runs the same bridge against a replica set of another name.
    private func resumeElsewhere(_ scene: Scene) throws {
        let other = try MongodProcess(replicaSet: "other")
        defer { other.stop() }
        try other.initiate()
        let bridge = try scene.bridge([scene.stream { $0.onLostPosition = .now }]) { $0.mongodb.uri = other.uri }
        let halts = try bridge.halts()
        #expect(halts.map(\.status) == [.lostPosition])
        #expect(halts.first?.reason.contains("belongs to replica set shared, but this is other") == true)
        #expect(halts.first?.remedy.contains("fruits") == true)
    }

    @Test func aPositionThatIsNoJSONHaltsTheStream() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]])
            let producer = try KafkaProducer(
                properties: ProducerProperties.make(scene.kafka.settings, memory: StreamMemory(limit: 64 << 20, streams: 1)),
                logger: scene.log.logger)
            var batch = RecordBatch()
            batch.setPlain(key: "fruits", value: Array("not json".utf8))
            let topic = try producer.topic(scene.positionsTopic)
            _ = try producer.produce(batch.records[0], of: batch, to: topic, tag: 1)
            try scene.follow(scene.positionsTopic).wait(count: 1)
            let halts = try scene.bridge([scene.stream()]).halts()
            #expect(halts.map(\.status) == [.lostPosition])
            #expect(halts.first?.reason.contains("cannot be read: it is not JSON") == true)
            #expect(halts.first?.remedy.contains("`bridge tail \(scene.positionsTopic) --from beginning`") == true)
            // Nobody reads that it begins at startAt.
            let findings = try scene.configuration([scene.stream()]).check().filter { $0.subject == "stream fruits" }
            #expect(findings.map(\.level) == [.error, .ok], "\(findings)")
            #expect(findings.last?.text.contains("where it begins is not known") == true, "\(findings)")
        }
    }
}
