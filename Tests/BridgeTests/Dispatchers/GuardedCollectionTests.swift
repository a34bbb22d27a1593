import Mongo
import Testing

@testable import StreamBridge

/// Which collections no dispatcher can work on.
@Suite struct GuardedCollectionTests {
    private static func collection(
        _ kind: GuardedCollection.Kind, isSharded: Bool = false, collation: BSONValue? = nil, _ more: [BSONDocument] = []
    ) -> GuardedCollection {
        var identity: BSONDocument = ["key": ["_id": 1], "name": "_id_"]
        if let collation { identity.append("collation", collation) }
        let guarding: BSONDocument = [
            "key": ["truck_id": 1], "name": "truck_id_active", "unique": true, "partialFilterExpression": ["status": "active"],
        ]
        return GuardedCollection(
            kind: kind, isSharded: isSharded, indexes: ([identity, guarding] + more).compactMap { CollectionIndex($0) })
    }

    @Test(
        arguments: [
            (collection(.view), "lessons.shipments is a view, "),
            (collection(.timeSeries), "lessons.shipments is a time-series collection, "),
            (collection(.capped), "lessons.shipments is a capped collection: "),
            (collection(.ordinary, isSharded: true), "lessons.shipments is sharded, "),
            (collection(.ordinary, collation: ["locale": "en", "strength": 2]), "lessons.shipments has the collation en: "),
        ] as [(GuardedCollection, String)])
    func theyHaltWithTheReason(_ collection: GuardedCollection, reason: String) throws {
        let halt = try #require(throws: Halt.self) { try collection.guardIndex(for: .sample()) }
        #expect(halt.status == .configuration)
        #expect(halt.reason.hasPrefix(reason), "\(halt)")
        #expect(halt.remedy.contains("`collection`"), "\(halt)")
    }

    @Test func anOrdinaryOneIsWell() throws {
        #expect(try Self.collection(.ordinary).guardIndex(for: .sample()).names == ["truck_id_active"])
        #expect(try Self.collection(.ordinary, collation: ["locale": "simple"]).guardIndex(for: .sample()).kind == .partial)
        #expect(throws: GuardIndex.Missing.self) {
            try GuardedCollection(kind: .missing, isSharded: false, indexes: []).guardIndex(for: .sample())
        }
    }

    @Test func aMongosTellsWhichCollectionIsSharded() {
        #expect(GuardedCollection.isSharded(statistics: ["sharded": true, "ns": "lessons.shipments"]))
        #expect(!GuardedCollection.isSharded(statistics: ["sharded": false, "primary": "shard0"]))
        #expect(!GuardedCollection.isSharded(statistics: ["primary": "shard0"]))
    }

    @Test func aTTLIndexIsAWarning() {
        #expect(Self.collection(.ordinary).warnings(for: .sample()).isEmpty)
        let warnings = Self.collection(
            .ordinary, [["key": ["completed_at": 1], "name": "old", "expireAfterSeconds": 3600]]
        ).warnings(for: .sample())
        #expect(warnings.map(\.text).map { $0.hasPrefix("the TTL index old of lessons.shipments deletes documents") } == [true])
        #expect(warnings.first?.remedy.contains(#".dropIndex("old")"#) == true)
        #expect(warnings.first?.text.contains("active ones, too") == false)
        let harmful = Self.collection(
            .ordinary, [["key": ["dispatched_at": 1], "name": "old", "expireAfterSeconds": 3600]]
        ).warnings(for: .sample())
        #expect(harmful.first?.text.contains("active ones, too, which frees their truck_id") == true)
    }

    @Test func aHiddenGuardIsAWarningWhereItIsLookedAt() throws {
        func hidden(_ name: String, isHidden: BSONValue = true) -> CollectionIndex? {
            CollectionIndex([
                "key": ["truck_id": 1], "name": .string(name), "unique": true, "partialFilterExpression": ["status": "active"],
                "hidden": isHidden,
            ])
        }
        func warnings(_ indexes: [CollectionIndex?], pool: Namespace?) -> [String] {
            var settings = DispatcherSettings.sample()
            settings.resource.pool = pool
            return GuardedCollection(kind: .ordinary, isSharded: false, indexes: indexes.compactMap(\.self)).warnings(for: settings)
                .map(\.text)
        }
        let pool = Namespace(database: "lessons", collection: "trucks")
        #expect(
            warnings([hidden("g")], pool: pool).map { $0.hasPrefix("the unique index g of lessons.shipments is hidden: ") } == [true])
        #expect(warnings([hidden("g")], pool: nil).isEmpty)
        #expect(warnings([hidden("g"), hidden("h", isHidden: false)], pool: pool).isEmpty)
        #expect(warnings([hidden("h", isHidden: false)], pool: pool).isEmpty)
    }
}
