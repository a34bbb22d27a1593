import Mongo
import Testing

@testable import Runtime
@testable import StreamBridge

/// A guard index that is still being built refuses nothing: until it is done, nothing may be answered.
@Suite struct DispatchIndexBuildMongodTests {
    /// An index build that a fail point holds up.
    private struct HeldBuild {
        let dispatching: Dispatching

        private var scene: Scene { dispatching.scene }
        private var collection: BSONValue { .string(dispatching.settings.collection.collection) }

        init(_ dispatching: Dispatching) throws {
            self.dispatching = dispatching
            try scene.command(["configureFailPoint": "hangAfterStartingIndexBuild", "mode": "alwaysOn"], on: "admin")
        }

        /// Begins to build the guard index as another client, and waits until the server has begun.
        func begin() throws {
            let (scene, creation) = (scene, GuardIndex.creation(for: dispatching.settings))
            _ = LoopThread.start(name: "build") { _ = try? scene.command(creation) }
            try awaitBeginning()
        }

        /// Waits until the server builds an index.
        func awaitBeginning() throws {
            let deadline = ContinuousClock.now + Patience.limit
            while try !names(building: true).contains("truck_id_active") {
                guard .now < deadline else { throw WaitedInVain(what: "the index build") }
            }
        }

        private func names(building: Bool) throws -> [String] {
            let reply = try? scene.command(["listIndexes": collection, "includeBuildUUIDs": true])
            return (reply?["cursor"]?.documentValue?["firstBatch"]?.arrayValue?.compactMap(\.documentValue) ?? []).compactMap {
                (($0["buildUUID"] != nil) == building ? $0["spec"]?.documentValue ?? $0 : nil)?["name"]?.stringValue
            }
        }

        func release() throws { try scene.command(["configureFailPoint": "hangAfterStartingIndexBuild", "mode": "off"], on: "admin") }

        /// How often the server was asked to make the index, once it has answered.
        func creations() throws -> Int {
            let profile = try scene.command(["find": "system.profile", "filter": ["command.createIndexes": collection]])
            return profile["cursor"]?.documentValue?["firstBatch"]?.arrayValue?.count ?? 0
        }
    }

    private static func play(_ body: @escaping @Sendable (Dispatching, HeldBuild) throws -> Void) async throws {
        try await Scene.playAlone(arguments: FailPoint.arguments) { scene, _ in
            let dispatching = try Dispatching(scene, trucks: [4, 48])
            // The server builds the index of an empty collection at once.
            try scene.insert([["_id": "old", "status": "completed"]], into: dispatching.settings.collection.collection)
            try scene.command(["profile": 2])
            let build = try HeldBuild(dispatching)
            defer { try? build.release() }
            try body(dispatching, build)
        }
    }

    private static func sentence(_ dispatching: Dispatching) -> String {
        "the unique index truck_id_active of \(dispatching.settings.collection) is still being built"
    }

    private static func active(_ dispatching: Dispatching, _ truck: BSONValue) throws -> Int {
        try dispatching.shipments().values.count { $0["status"] == "active" && $0["truck_id"] == truck }
    }

    private static let twoForOneTruck = [CommandText.dispatch("c-1", 4), CommandText.dispatch("c-2", 4)]

    @Test func anIndexThatSomebodyElseBuildsIsWaitedFor() async throws {
        try await Self.play { dispatching, build in
            try build.begin()
            let scene = dispatching.scene
            let bridge = try scene.bridge(dispatching)
            try dispatching.send(Self.twoForOneTruck)
            try scene.log.wait(for: "retrying: \(Self.sentence(dispatching))")
            let status = try bridge.status(ofDispatcher: "shipments")
            #expect(status.state == .retrying)
            #expect(status.reason?.hasPrefix(Self.sentence(dispatching)) == true, "\(status.reason ?? "-")")
            var configuration = scene.configuration([])
            configuration.dispatchers = [dispatching.settings]
            let findings = try configuration.check().filter { $0.subject == "dispatcher shipments" && $0.level == .warning }
            #expect(findings.map(\.text) == [status.reason])
            #expect(try dispatching.allOutcomes().isEmpty)
            try build.release()
            #expect(try dispatching.outcomes(count: 2).map(\.status) == ["dispatched", "reassigned"])
            #expect(try Self.active(dispatching, 4) == 1)
            #expect(try bridge.stop().isEmpty)
            #expect(try build.creations() == 1)
        }
    }

    /// - Parameter option: of the URI: a client that gives up before the server is done.
    @Test(arguments: ["", "&socketTimeoutMS=1500"])
    func itsOwnBuildIsAskedForOnceAndAStopEndsTheWait(option: String) async throws {
        try await Self.play { dispatching, build in
            let scene = dispatching.scene
            func start() throws -> RunningBridge { try scene.bridge(dispatching) { $0.mongodb.uri += option } }
            let first = try start()
            try dispatching.send(Self.twoForOneTruck)
            try build.awaitBeginning()
            try scene.log.wait(for: "retrying: \(Self.sentence(dispatching))")
            #expect(try first.stop().isEmpty)

            let second = try start()
            try scene.log.wait(for: "retrying: \(Self.sentence(dispatching))", count: 2)
            let deadline = ContinuousClock.now + Patience.limit
            while try second.status(ofDispatcher: "shipments").condition.retries.values.reduce(0, +) < 3 {
                guard .now < deadline else { throw WaitedInVain(what: "three looks at the index") }
            }
            #expect(try dispatching.allOutcomes().isEmpty)
            try build.release()
            #expect(try dispatching.outcomes(count: 2).map(\.status) == ["dispatched", "reassigned"])
            #expect(try Self.active(dispatching, 4) == 1)
            #expect(try second.stop().isEmpty)
            #expect(try build.creations() == 1)
        }
    }

    @Test func aBuildThatFailsHaltsTheDispatcherBeforeItAnswers() async throws {
        try await Self.play { dispatching, build in
            let scene = dispatching.scene
            try scene.insert(
                [["_id": "x-1", "truck_id": 4, "status": "active"], ["_id": "x-2", "truck_id": 4, "status": "active"]],
                into: dispatching.settings.collection.collection)
            try build.begin()
            let bridge = try scene.bridge(dispatching)
            try dispatching.send(Self.twoForOneTruck)
            try scene.log.wait(for: "retrying: \(Self.sentence(dispatching))")
            try build.release()
            let halts = try bridge.halts()
            #expect(halts.map(\.status) == [.configuration])
            #expect(halts.first?.reason.contains("two active documents have the same truck_id") == true, "\(halts)")
            #expect(try dispatching.allOutcomes().isEmpty)
        }
    }

    /// An index that is dropped and made anew while the dispatcher runs.
    @Test func anIndexThatIsBuiltAnewIsNoGuardMeanwhile() async throws {
        try await Self.play { dispatching, build in
            let scene = dispatching.scene
            try build.release()
            let bridge = try scene.bridge(dispatching)
            #expect(try dispatching.answer(to: CommandText.dispatch("c-0", 4)).status == "dispatched")
            let again = try HeldBuild(dispatching)
            try scene.command([
                "dropIndexes": .string(dispatching.settings.collection.collection), "index": "truck_id_active",
            ])
            try again.begin()
            try scene.log.wait(for: "retrying: \(Self.sentence(dispatching))")
            try dispatching.send(Self.twoForOneTruck)
            let deadline = ContinuousClock.now + Patience.limit
            let before = try bridge.status(ofDispatcher: "shipments").condition.retries.values.reduce(0, +)
            while try bridge.status(ofDispatcher: "shipments").condition.retries.values.reduce(0, +) < before + 2 {
                guard .now < deadline else { throw WaitedInVain(what: "two more looks at the index") }
            }
            #expect(try dispatching.allOutcomes().count == 1)
            try again.release()
            #expect(try dispatching.outcomes(count: 3).map(\.status) == ["dispatched", "reassigned", "rejected"])
            #expect(try Self.active(dispatching, 4) == 1)
            #expect(try bridge.stop().isEmpty)
        }
    }
}
