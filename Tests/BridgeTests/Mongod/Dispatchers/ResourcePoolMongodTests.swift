import Mongo
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

/// A look at the pool and at what holds its members.
@Suite struct ResourcePoolMongodTests {
    private static func resources(
        _ scene: Scene, _ kind: GuardIndex.Kind = .partial, choose: ResourceSettings.Choice = .random
    ) -> ResourcePool {
        var settings = DispatcherSettings.sample()
        settings.collection = Namespace(database: scene.database, collection: "shipments")
        settings.resource.choose = choose
        return ResourcePool(
            pool: Namespace(database: scene.database, collection: "trucks"), dispatcher: settings,
            guardIndex: GuardIndex(kind: kind, field: "truck_id", names: []), readsSnapshots: true)
    }

    private static func makeGuard(_ scene: Scene, _ more: (String, BSONValue)...) throws {
        let index = BSONDocument(fields: [("key", ["truck_id": 1]), ("name", "guard"), ("unique", true)] + more)
        try scene.command(["createIndexes": "shipments", "indexes": [.document(index)]])
    }

    private static let active: (String, BSONValue) = ("partialFilterExpression", ["status": "active"])

    private static func free(_ resources: ResourcePool, atMost count: Int = 100, _ scene: Scene) throws -> [BSONValue] {
        try scene.pool.withClient { client in try resources.free(atMost: count, after: nil, of: client) }.map(\.value)
    }

    /// One truck is free at every moment: a transaction takes the other one and gives this one back, whenever the
    /// server's look pauses.
    @Test func aLookSeesOneMoment() async throws {
        try await Scene.playAlone(arguments: FailPoint.arguments + ["--setParameter", "internalQueryExecYieldIterations=1"]) { scene, _ in
            try Self.makeGuard(scene, Self.active)
            try scene.insert([["_id": 1], ["_id": 2]], into: "trucks")
            try scene.insert([["_id": "a", "truck_id": 1, "status": "active"]], into: "shipments")
            let failPoint = "setYieldAllLocksHang"
            var pauses: Int32 = 0
            // Once it is let through more often than the look pauses, the look comes back by itself.
            for skipped in Int32(0)... {
                let on = try scene.command(
                    [
                        "configureFailPoint": .string(failPoint), "mode": ["skip": .int32(skipped)],
                        "data": ["namespace": .string("\(scene.database).shipments")],
                    ], on: "admin")
                let entered = try #require(on["count"]?.int64Value)
                let result = Monitor<Result<[BSONValue], any Error>?>(nil)
                _ = LoopThread.start(name: "look") {
                    let found = Result { try Self.free(Self.resources(scene), scene) }
                    result.update { $0 = found }
                }
                let isPaused = try Self.isPaused(failPoint, after: entered, or: result, scene)
                // The index is read in its order: behind the place of the one that comes free, and before that of the
                // other one.
                if isPaused {
                    pauses += 1
                    try Self.swap(1, for: 2, scene)
                }
                try scene.command(["configureFailPoint": .string(failPoint), "mode": "off"], on: "admin")
                let found = try result.wait(for: "the look") { $0 }.get()
                #expect(found.count == 1, "paused before step \(skipped)")
                guard isPaused else { break }
                try Self.swap(2, for: 1, scene)
            }
            #expect(pauses > 1)
        }
    }

    /// Waits until a look waits at the fail point, or is over.
    private static func isPaused(
        _ failPoint: String, after entered: Int64, or result: Monitor<Result<[BSONValue], any Error>?>, _ scene: Scene
    ) throws -> Bool {
        let deadline = ContinuousClock.now + Patience.limit
        while true {
            let isOver = result.read { $0 != nil }
            let reply = try? scene.command(
                ["waitForFailPoint": .string(failPoint), "timesEntered": .int64(entered + 1), "maxTimeMS": 200], on: "admin")
            if reply != nil { return true }
            if isOver { return false }
            guard .now < deadline else { throw WaitedInVain(what: "the look") }
        }
    }

    /// In a transaction: its steps do not pause.
    private static func swap(_ held: BSONValue, for free: BSONValue, _ scene: Scene) throws {
        try scene.pool.withClient { client in
            let transaction = try MongoTransaction(of: client, writeConcern: .init(w: .majority, wtimeout: nil, journal: true))
            _ = try transaction.command(
                [
                    "update": "shipments",
                    "updates": [["q": ["truck_id": held, "status": "active"], "u": ["$set": ["status": "completed"]]]],
                ],
                on: scene.database, of: client, operation: "end")
            _ = try transaction.command(
                ["insert": "shipments", "documents": [["truck_id": free, "status": "active"]]], on: scene.database, of: client,
                operation: "take")
            try transaction.commit()
        }
    }

    /// Of the documents that hold nothing the server reads none, however many there are.
    @Test(arguments: [false, true])
    func placeholdersArePassedOver(isSparse: Bool) async throws {
        try await Scene.play { scene in
            try Self.makeGuard(scene, ("sparse", .boolean(isSparse)))
            try scene.insert((1...8).map { ["_id": .int32($0)] }, into: "trucks")
            try scene.insert(
                (0..<3000).map { ["_id": .string("c-\($0)"), "truck_id": ["inactive": .string("c-\($0)")], "status": "completed"] },
                into: "shipments")
            let holders: [BSONValue] = [1, 2.0, "text", ["a": 1], ["zebra": "z"], ["inactive": 5], .boolean(true), .date(milliseconds: 5)]
            try scene.insert(holders.map { ["truck_id": $0] }, into: "shipments")
            try scene.insert([["_id": "text"], ["_id": ["zebra": "z"]], ["_id": .boolean(true)]], into: "trucks")
            try scene.command(["profile": 2])
            let found = try Self.free(Self.resources(scene, .plain), scene)
            try scene.command(["profile": 0])
            #expect(Set(found.compactMap(\.int64Value)) == Set(3...8) && found.count == 6, "\(found)")
            let profile = try scene.command(
                ["find": "system.profile", "filter": ["ns": .string("\(scene.database).shipments"), "op": "query"]])
            let looks = profile["cursor"]?.documentValue?["firstBatch"]?.arrayValue?.compactMap(\.documentValue) ?? []
            #expect(looks.count == 1)
            for look in looks {
                #expect(look["docsExamined"]?.int64Value ?? .max <= Int64(holders.count), "\(look)")
                // An answer that nobody waits for is not worked on.
                #expect(look["command"]?.documentValue?["maxTimeMS"] != nil)
            }
        }
    }

    /// As the index takes them: a list for each of its values, and a missing field for null.
    @Test func whatAStrangerHoldsIsWhatTheIndexTakesItFor() async throws {
        try await Scene.play { scene in
            try Self.makeGuard(scene, Self.active)
            try scene.insert([["_id": 1], ["_id": 2], ["_id": .null], ["_id": 3]], into: "trucks")
            try scene.insert(
                [["_id": "x", "truck_id": [1, 2], "status": "active"], ["_id": "y", "status": "active"]], into: "shipments")
            #expect(try Self.free(Self.resources(scene), scene) == [3])
        }
    }

    /// More than one answer of the server has.
    @Test func aLargePoolIsReadInParts() async throws {
        try await Scene.play { scene in
            try Self.makeGuard(scene, Self.active)
            try scene.insert((1...5000).map { ["_id": .int32($0)] }, into: "trucks")
            try scene.insert((1...4500).map { ["truck_id": .int32($0), "status": "active"] }, into: "shipments")
            #expect(try Self.free(Self.resources(scene), atMost: 1000, scene).count == 500)
            #expect(try Self.free(Self.resources(scene, choose: .lowest), atMost: 3, scene) == [4501, 4502, 4503])
            let random = try Self.free(Self.resources(scene), atMost: 50, scene).compactMap(\.int64Value)
            #expect(Set(random).count == 50 && random.allSatisfy { $0 > 4500 })
            // Not always the first ones.
            #expect(random.contains { $0 > 4750 })
            let members = try scene.pool.withClient { client in try Self.resources(scene).members(after: nil, of: client) }
            #expect(members.count == 5000 && members.count { $0.isBusy } == 4500)
        }
    }

    /// Where the server calls a resource free, an index refuses it, and nobody holds it, there is an end.
    @Test func aContradictionHaltsWithTheNameOfTheIndex() async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: [4, 5])
            try Self.makeGuard(scene, Self.active)
            try scene.insert([["truck_id": 5, "status": "active"]], into: "shipments")
            let status = DispatchStatus(dispatcher: "shipments", logger: scene.log.logger)
            status.owns(partitions: 1)
            let context = DispatchContext(
                settings: dispatching.settings, pool: scene.pool, deployment: try Deployment(of: scene.pool),
                writeConcern: .init(w: .majority, wtimeout: .seconds(5), journal: true),
                guardIndex: GuardIndex(kind: .partial, field: "truck_id", names: ["guard"]), instance: scene.name, status: status,
                stop: StopSignal())
            try dispatching.send([CommandText.dispatch("c-1", 4)])
            let batch = try Self.batch(of: dispatching, context)
            let patience = MongoRetry(
                context: context, hands: InFlightPartitions(), session: SessionEnd(), heartbeat: Watchdog().heartbeat(of: "work"), worker: 0
            )
            var contradictions = Contradictions(context: context, patience: patience)
            let refusal = WriteReply.Refusal(index: 0, code: 11000, message: "index: strange dup key: { }", keyPattern: ["truck_id"])
            let (four, five) = (Resource(4 as Int64), Resource(5 as Int64))
            contradictions.begin()
            // Somebody takes it each time.
            for _ in 0..<20 {
                contradictions.refused(five, by: refusal)
                try contradictions.settle([five], after: nil, of: batch)
            }
            #expect(!scene.log.lines(containing: "retrying: others take truck_id 5 ").isEmpty, "it is told")
            let halt = #expect(throws: Halt.self) {
                for _ in 0..<20 {
                    contradictions.refused(four, by: refusal)
                    try contradictions.settle([four], after: nil, of: batch)
                }
            }
            #expect(
                halt?.reason.contains("truck_id 4") == true && halt?.reason.contains("index: strange") == true,
                "\(String(describing: halt))")
        }
    }

    private static func batch(of dispatching: Dispatching, _ context: DispatchContext) throws -> CommandBatch {
        let consumer = try GroupConsumer(
            topic: dispatching.settings.commands,
            properties: ConsumerProperties.make(dispatching.scene.kafka.settings, group: dispatching.scene.name, queueBytes: 1 << 20),
            logger: .silent)
        let queue = RecordQueue(of: consumer.client)
        queue.receive(topic: consumer.topic, partition: 0)
        try consumer.assign([0: nil])
        let deadline = ContinuousClock.now + Patience.limit
        while true {
            if let records = try queue.take(atMost: 10, timeout: .seconds(1)) {
                return CommandBatch(records, topic: dispatching.settings.commands, decoder: context.decoder)
            }
            guard .now < deadline else { throw WaitedInVain(what: "the command") }
        }
    }
}
