import Mongo
import Testing

@testable import Runtime
@testable import StreamBridge

/// Which indexes guard the resources, which change nothing, and which no dispatcher can live with.
@Suite struct GuardIndexTests {
    private static let identity: BSONDocument = ["key": ["_id": 1], "name": "_id_"]
    private static let active: BSONDocument = ["status": "active"]

    private static func index(_ key: BSONDocument, _ name: String, unique: Bool = true, _ more: (String, BSONValue)...) -> BSONDocument {
        BSONDocument(fields: [("key", .document(key)), ("name", .string(name)), ("unique", .boolean(unique))] + more)
    }

    private static let partial = index(["truck_id": 1], "truck_id_active", ("partialFilterExpression", .document(active)))
    private static let plain = index(["truck_id": 1], "one")

    private static func building(_ index: BSONDocument) -> BSONDocument {
        ["spec": .document(index), "buildUUID": .binary(subtype: 4, bytes: Array(repeating: 7, count: 16))]
    }

    private static func judge(_ entries: BSONDocument...) throws -> GuardIndex {
        try GuardIndex.judge(([identity] + entries).compactMap { CollectionIndex($0) }, for: .sample())
    }

    @Test func aPartialIndexAndAPlainOneGuard() throws {
        #expect(try Self.judge(Self.partial) == GuardIndex(kind: .partial, field: "truck_id", names: ["truck_id_active"]))
        #expect(try Self.judge(Self.plain) == GuardIndex(kind: .plain, field: "truck_id", names: ["one"]))
        #expect(
            try Self.judge(Self.partial, Self.plain) == GuardIndex(kind: .plain, field: "truck_id", names: ["truck_id_active", "one"]))
        let descending = Self.index(["truck_id": -1], "mine", ("partialFilterExpression", ["status": ["$eq": "active"]]))
        #expect(try Self.judge(descending).kind == .partial)
        let hidden = Self.index(["truck_id": 1], "hidden", ("partialFilterExpression", .document(Self.active)), ("hidden", true))
        #expect(try Self.judge(hidden).names == ["hidden"])
    }

    @Test func whatIsBeingBuiltIsWaitedFor() {
        func expectWait(for name: String, _ entries: BSONDocument...) {
            let wait = #expect(throws: WaitsFor.self) {
                _ = try GuardIndex.judge(entries.compactMap { CollectionIndex($0) }, for: .sample())
            }
            #expect(
                wait?.description
                    == "the unique index \(name) of lessons.shipments is still being built, and no command is answered before it is done")
        }
        expectWait(for: "truck_id_active", Self.building(Self.partial))
        expectWait(for: "one", Self.building(Self.plain))
        // Documents that the plain one will refuse must not be written now.
        expectWait(for: "one", Self.partial, Self.building(Self.plain))
    }

    @Test func anotherGuardThatIsBeingBuiltIsNotWaitedFor() throws {
        let second = Self.index(["truck_id": -1], "second", ("partialFilterExpression", .document(Self.active)))
        #expect(try Self.judge(Self.partial, Self.building(second)).names == ["truck_id_active", "second"])
        #expect(try Self.judge(Self.plain, Self.building(Self.partial)).kind == .plain)
    }

    @Test func aCollectionWithoutAGuardSaysWhatComesClose() {
        let missing = #expect(throws: GuardIndex.Missing.self) {
            try Self.judge(
                Self.index(["truck_id": 1], "common", unique: false), Self.index(["truck_id": 1, "a": 1], "two", unique: false),
                Self.index(["truck_id": 1], "parked", ("partialFilterExpression", ["status": "parked"])))
        }
        #expect(
            missing?.nearby == [
                "index common is not unique", "index two is on other fields, too",
                #"index parked is partial on {"status":"parked"}, not on {"status":"active"}"#,
            ])
    }

    private static let english: (String, BSONValue) = ("collation", ["locale": "en", "strength": 2])

    static let rivals: [BSONDocument] = [
        index(["truck_id": 1], "x", ("partialFilterExpression", ["truck_id": ["$exists": true]])),
        index(["truck_id": 1], "x", ("partialFilterExpression", ["status": ["$in": ["active", "completed"]]])),
        index(["truck_id": 1], "x", ("partialFilterExpression", ["status": "completed"])),
        index(["truck_id": 1], "x", ("partialFilterExpression", ["status": "rejected"])),
        index(["truck_id": 1], "x", ("partialFilterExpression", ["quantity": ["$gt": 5]])),
        index(["truck_id": 1], "x", ("partialFilterExpression", ["elsewhere": .null])),
        index(["truck_id": 1], "x", ("partialFilterExpression", .document(active)), english),
        index(["truck_id": 1, "source": 1], "x"),
        index(["source": 1, "truck_id": 1], "x", ("sparse", true)),
        index(["truck_id": 1, "_id": 1], "x", english),
        // It refuses like a unique one.
        index(["truck_id": 1, "source": 1], "x", unique: false, ("prepareUnique", true)),
    ]

    @Test(arguments: rivals)
    func anIndexThatCouldRefuseAFreeResourceHalts(_ rival: BSONDocument) throws {
        for entry in [rival, Self.building(rival)] {
            let halt = try #require(throws: Halt.self) { try Self.judge(Self.partial, entry) }
            #expect(halt.status == .configuration)
            #expect(halt.reason.hasPrefix("the unique index x of lessons.shipments, on "), "\(halt)")
            #expect(halt.remedy.hasPrefix(#"Drop it: db.getSiblingDB("lessons").getCollection("shipments").dropIndex("x"). "#), "\(halt)")
        }
        // Without a guard it is no help to make one.
        #expect(throws: Halt.self) { try Self.judge(rival) }
    }

    @Test func besideAPlainIndexOnlyAnotherCollationCouldRefuseMore() throws {
        for rival in Self.rivals where rival["collation"] == nil {
            #expect(try Self.judge(Self.plain, rival).names == ["one", "x"], "\(rival)")
        }
        let letters = Self.index(["truck_id": 1], "x", Self.english)
        #expect(throws: Halt.self) { try Self.judge(Self.plain, letters) }
        // As the only one it is no guard either: it refuses B while b is taken.
        #expect(throws: Halt.self) { try Self.judge(letters) }
        let bytes = Self.index(["truck_id": 1], "x", ("collation", ["locale": "simple"]))
        #expect(try Self.judge(bytes).kind == .plain)
    }

    /// Somebody dropped the index or its collection meanwhile, builds the same, or the server is busy; anything else
    /// needs people.
    @Test func aBuildThatFailsIsTriedAgainOnlyWhereThatHelps() {
        let missing = GuardIndex.Missing(dispatcher: .sample(), nearby: [])
        func passes(_ code: MongoError.Code) -> Bool {
            missing.halt(because: MongoError(kind: .server(code: code), operation: "o", message: "m")) == nil
        }
        for code in [.indexBuildAborted, .indexBuildAlreadyInProgress, 64, 112, 189, 14031] as [MongoError.Code] {
            #expect(passes(code), "\(code)")
        }
        for code in [.unauthorized, .duplicateKey, 67, 295] as [MongoError.Code] { #expect(!passes(code), "\(code)") }
    }

    @Test func whatRefusesNothingElseIsKnownByName() throws {
        let guarded = try Self.judge(
            Self.partial, Self.index(["truck_id": 1, "source": 1], "two", ("partialFilterExpression", .document(Self.active))),
            Self.index(["truck_id": 1, "_id": 1], "id"),
            Self.index(["truck_id": 1], "apart", ("partialFilterExpression", ["archived": true])),
            Self.index(["source": 1], "other"))
        #expect(guarded.names == ["truck_id_active", "two"])
        #expect(guarded.identities == ["id"])
        func match(_ name: String, _ pattern: [String]?) -> GuardIndex.Match {
            guarded.match(
                WriteReply.Refusal(
                    index: 0, code: 11000,
                    message: "E11000 duplicate key error collection: lessons.shipments index: \(name) dup key: { truck_id: 4 }",
                    keyPattern: pattern))
        }
        #expect(match("truck_id_active", ["truck_id"]) == .resource)
        #expect(match("two", ["truck_id", "source"]) == .resource)
        #expect(match("id", ["truck_id", "_id"]) == .identity)
        #expect(match("_id_", ["_id"]) == .identity)
        #expect(match("other", ["source"]) == .other("source"))
        // It was not there when the session began.
        #expect(match("new", ["truck_id"]) == .unknown("new"))
        #expect(match("new", ["truck_id", "product"]) == .unknown("new"))
        #expect(match("two", nil) == .resource)
        #expect(match("new", nil) == .other("new"))
    }

    @Test(arguments: [
        ("my index", "my index dup key: { truck_id: 4 }"),
        ("new", "new collation: { locale: \"en\", strength: 2 } dup key: { a: \"0x57\" }"),
        ("new", "new dup key: { truck_id: \" index: truck_id_active dup key: \" }"),
    ])
    func theIndexIsReadFromTheSentence(_ name: String, _ sentence: String) {
        let index = GuardIndex(kind: .partial, field: "truck_id", names: ["truck_id_active"])
        for collection in ["shipments", "a index: truck_id_active"] {
            let message = "E11000 duplicate key error collection: lessons.\(collection) index: \(sentence)"
            #expect(
                index.match(WriteReply.Refusal(index: 0, code: 11000, message: message, keyPattern: ["truck_id"])) == .unknown(name))
        }
    }
}
