import Mongo
import Testing

@testable import Runtime
@testable import StreamBridge

/// `expiresAt` is looked at before every try, not only before the first.
@Suite struct DispatchExpiryMongodTests {
    private static let cut: BSONDocument = ["closeConnection": true]
    private static let unmet: BSONDocument = ["writeConcernError": ["code": 64, "errmsg": "waiting for replication timed out"]]

    private static func expiring(at time: Int64) -> String { #","expiresAt":"\#(StoredPosition.iso8601(milliseconds: time))""# }

    /// Lets inserts fail until a time of the clock has passed, and no try is under way that began before.
    private static func fail(with failure: BSONDocument, until time: Int64, on scene: Scene) throws {
        func failed() throws -> Int64 { try FailPoint.fail(["insert"], times: nil, with: failure, on: scene) }
        let deadline = ContinuousClock.now + Patience.limit
        var backoff = Backoff(initial: .milliseconds(10), cap: .milliseconds(200))
        var before: Int64?
        while true {
            let count = try failed()
            if WallClock.milliseconds() > time, before == nil { before = count }
            // The first one may have begun before the time.
            if let before, count >= before + 2 { break }
            guard .now < deadline else { throw WaitedInVain(what: "tries after the time of expiry") }
            backoff.pause()
        }
        try FailPoint.end(on: scene)
    }

    private static func play(_ body: @escaping @Sendable (Scene, Dispatching) throws -> Void) async throws {
        try await Scene.playAlone(arguments: FailPoint.arguments) { scene, _ in
            try body(scene, Dispatching(scene, trucks: [4, 48]))
        }
    }

    /// The server is away with commands in hand, and is back when their time has passed.
    @Test func aCommandWhoseTimePassesDuringAnOutageIsNotCarriedOut() async throws {
        try await Self.play { scene, dispatching in
            let bridge = try scene.bridge(dispatching)
            #expect(try dispatching.answer(to: CommandText.dispatch("c-0", 48)).status == "dispatched")
            try FailPoint.fail(["insert"], times: nil, with: Self.cut, on: scene)
            let expiry = WallClock.milliseconds() + 1000
            try dispatching.send([
                CommandText.dispatch("c-1", 4, Self.expiring(at: expiry)), CommandText.dispatch("c-2", 4, CommandText.future),
            ])
            try Self.fail(with: Self.cut, until: expiry, on: scene)
            let outcomes = try dispatching.outcomes(count: 3).suffix(2).sorted { $0.id < $1.id }
            #expect(outcomes[0].message == "Command c-1 expired at \(StoredPosition.iso8601(milliseconds: expiry)).")
            #expect(outcomes[0].status == "rejected")
            #expect(outcomes[1].message == "Truck #4 has been sent out.")

            // A completion likewise.
            try FailPoint.fail(["insert"], times: nil, with: Self.cut, on: scene)
            let later = WallClock.milliseconds() + 1000
            try dispatching.send([CommandText.complete("r-1", "c-2", Self.expiring(at: later))])
            try Self.fail(with: Self.cut, until: later, on: scene)
            let end = try dispatching.outcomes(count: 4)[3]
            #expect(end.message == "Command r-1 expired at \(StoredPosition.iso8601(milliseconds: later)).")
            #expect(try bridge.stop().isEmpty)
            try dispatching.expectConsistent(["c-0", "c-1", "c-2", "r-1"])
        }
    }

    /// The server has carried it out in time, and could not say so until the time had passed.
    @Test func aCommandThatArrivedInTimeKeepsItsAnswer() async throws {
        try await Self.play { scene, dispatching in
            let bridge = try scene.bridge(dispatching)
            #expect(try dispatching.answer(to: CommandText.dispatch("c-0", 48)).status == "dispatched")
            try FailPoint.fail(["insert"], times: nil, with: Self.unmet, on: scene)
            let expiry = WallClock.milliseconds() + 8000
            try dispatching.send([CommandText.dispatch("c-1", 4, Self.expiring(at: expiry))])
            try Self.fail(with: Self.unmet, until: expiry, on: scene)
            let outcome = try dispatching.outcomes(count: 2)[1]
            #expect(outcome.message == "Truck #4 has been sent out.")
            #expect(try bridge.stop().isEmpty)
            try dispatching.expectConsistent(["c-0", "c-1"])
        }
    }
}
