import CKafka
import Mongo
import Testing

@testable import StreamBridge

/// MongoDB's own transactions, from the server to the records.
@Suite struct TransactionsMongodTests {
    private static func stream(_ scene: Scene, _ delivery: Delivery = .exactlyOnce) -> StreamSettings {
        scene.stream { $0.delivery = delivery }
    }

    /// Inserts documents in one transaction, in several commands.
    private static func commit(_ batches: [[BSONDocument]], on scene: Scene) throws {
        try scene.pool.withClient { client in
            let transaction = try MongoTransaction(of: client, writeConcern: WriteConcern(w: .majority, wtimeout: nil, journal: false))
            for documents in batches {
                _ = try transaction.command(
                    ["insert": "fruits", "documents": .array(documents.map { .document($0) })], on: scene.database, of: client,
                    operation: "insert in a transaction")
            }
            try transaction.commit()
        }
    }

    /// The headers of each record against the events that the server gives.
    private static func expectPlaces(_ records: [TestRecord], on scene: Scene, sourceLocation: SourceLocation = #_sourceLocation) throws {
        var last: String?
        var index = 0
        let events = try scene.events()
        #expect(
            records.map(\.token) == events.compactMap { $0["_id"]?.documentValue?["_data"]?.stringValue }, sourceLocation: sourceLocation)
        for (record, event) in zip(records, events) {
            guard let number = event["txnNumber"]?.int64Value, case .binary(_, let uuid)? = event["lsid"]?.documentValue?["id"] else {
                #expect(record.headers["mongodb.txn"] == nil && record.headers["mongodb.txnIndex"] == nil, sourceLocation: sourceLocation)
                last = nil
                continue
            }
            let digits = uuid.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
            let text = [0..<4, 4..<6, 6..<8, 8..<10, 10..<16].map { digits[$0].joined() }.joined(separator: "-")
            index = last == "\(text):\(number)" ? index + 1 : 0
            last = "\(text):\(number)"
            #expect(record.headers["mongodb.txn"] == last, sourceLocation: sourceLocation)
            #expect(record.headers["mongodb.txnIndex"] == "\(index)", sourceLocation: sourceLocation)
        }
    }

    @Test(arguments: [Delivery.exactlyOnce, .atLeastOnce])
    func theEventsOfATransactionAreCountedInTheirOrder(_ delivery: Delivery) async throws {
        try await Scene.play { scene in
            // The server makes a collection before a transaction writes to it.
            try scene.insert(Scene.numbers(0..<2))
            try Self.commit([Scene.numbers(2..<5), Scene.numbers(5..<6)], on: scene)
            try scene.insert(Scene.numbers(6..<7))
            try Self.commit([Scene.numbers(7..<8)], on: scene)
            let records = try scene.publish([Self.stream(scene, delivery)], count: 8)
            try Self.expectPlaces(records, on: scene)
            #expect(records.map { $0.headers["mongodb.txnIndex"] ?? "-" } == ["-", "-", "0", "1", "2", "3", "-", "0"])
            #expect(try scene.position()?.position.transaction == nil)
        }
    }

    /// Nothing is written after it, by the server either: its end has to be asked for.
    @Test func aLoneTransactionIsCommittedWithoutTheNextWrite() async throws {
        try await Scene.playAlone(arguments: ["--setParameter", "writePeriodicNoops=false"]) { scene, _ in
            try scene.insert(Scene.numbers(0..<1))
            let bridge = try scene.bridge([Self.stream(scene)])
            try scene.follow().wait(count: 1)
            try Self.commit([Scene.numbers(1..<41)], on: scene)
            try scene.follow(scene.positionsTopic).wait(for: "the position after it") {
                $0.contains { record in (try? record.value.map { try StoredPosition(json: $0).position.events }) == 41 }
            }
            #expect(try bridge.stop().isEmpty)
            try Self.expectPlaces(scene.records(), on: scene)
            // Nor was it committed in part because nobody knew that it had ended.
            let positions = try scene.records(scene.positionsTopic).map { try StoredPosition(json: $0.value ?? []).position }
            #expect(positions.allSatisfy { $0.transaction == nil })
        }
    }

    /// Several getMores each, and Kafka transactions that are due in the middle of them.
    @Test(arguments: [Delivery.exactlyOnce, .atLeastOnce])
    func noPositionIsStoredWithinATransactionThatFits(_ delivery: Delivery) async throws {
        try await Scene.play { scene in
            try scene.insert(Scene.numbers(0..<1))
            // The embedded cluster keeps no more than a few megabytes.
            var written: Int32 = 1
            for size in [100, 900, 1, 1_500, 20, 1_000] as [Int32] {
                try Self.commit([Scene.numbers(written..<written + size)], on: scene)
                written += size
            }
            let records = try scene.publish([Self.stream(scene, delivery)], count: Int(written))
            try Self.expectPlaces(records, on: scene)
            guard delivery == .exactlyOnce else { return }
            let positions = try scene.records(scene.positionsTopic).map { try StoredPosition(json: $0.value ?? []).position }
            #expect(positions.count > 1)
            // A position after so many events is one between two transactions.
            let starts = Set([0, 1, 101, 1_001, 1_002, 2_502, 2_522, 3_522] as [Int64])
            #expect(positions.allSatisfy { starts.contains($0.events) && $0.transaction == nil }, "\(positions.map(\.events))")
        }
    }

    /// Half of what is there is published when the stop comes, or more, or less: whatever was committed, the rest
    /// follows with its indexes.
    @Test func stopsAmidTransactionsNeitherRepeatNorMiscount() async throws {
        try await Scene.play { scene in
            try scene.insert(Scene.numbers(0..<1))
            let text = BSONValue.string(String(repeating: "x", count: 1_000))
            var written: Int32 = 1
            for round in 0..<8 as Range<Int32> {
                let bridge = try scene.bridge([Self.stream(scene)])
                _ = try bridge.streams()
                for size in [900, 7, 1_500 + round * 100] as [Int32] {
                    try Self.commit([(written..<written + size).map { ["_id": .int32($0), "text": text] }], on: scene)
                    written += size
                }
                #expect(try bridge.stop().isEmpty)
            }
            let last = try scene.bridge([Self.stream(scene)])
            try scene.follow(scene.positionsTopic).wait(for: "the end") { [written] in
                $0.contains { record in (try? record.value.map { try StoredPosition(json: $0).position.events }) == Int64(written) }
            }
            #expect(try last.stop().isEmpty)
            // The mock cluster shows what was aborted, too, and an aborted record comes again later.
            guard TestKafka.isReal else { return }
            try Self.expectPlaces(scene.records(), on: scene)
        }
    }
}
