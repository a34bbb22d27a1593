import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

@Suite struct TopicRouterTests {
    private struct Refusal: Error {}

    /// A router, and the names that it opened.
    private final class Opened {
        var names: [String] = []
        var isRefusing = false
        let client: KafkaClient

        init() throws { client = try KafkaClient(role: .producer, properties: [:]) }

        func router(_ stream: StreamSettings) -> TopicRouter {
            TopicRouter(stream) { [self] name in
                names.append(name)
                if isRefusing { throw Refusal() }
                return try KafkaTopic(name, of: client)
            }
        }
    }

    private func route(_ event: BSONDocument, by router: inout TopicRouter) throws -> String {
        let bytes = event.bytes
        let span = bytes.span.bytes
        let index = try router.route(of: ChangeEvent(of: span, at: 0), in: span)
        return router.topics[try #require(index)].name
    }

    @Test func opensATopicOncePerNamespace() throws {
        let opened = try Opened()
        var router = opened.router(.sample { $0.watch = .database("lessons") })
        for number in 1...50 as ClosedRange<Int32> {
            for collection in ["inventory", "trucks", "shipments"] {
                #expect(try route(SampleEvent.insert(number, collection: collection), by: &router) == "mongo.lessons.\(collection)")
            }
        }
        #expect(opened.names == ["mongo.lessons.inventory", "mongo.lessons.trucks", "mongo.lessons.shipments"])
    }

    @Test func tellsNamespacesWithTheSameLettersApart() throws {
        var router = try Opened().router(.sample { $0.watch = .cluster })
        let events = [("ab", "c"), ("a", "bc"), ("abc", ""), ("a", "b.c"), ("ab", "c")].map { database, collection in
            SampleEvent.insert(1, database: database, collection: collection)
        }
        #expect(try events.map { try route($0, by: &router) } == ["mongo.ab.c", "mongo.a.bc", "mongo.abc", "mongo.a.b.c", "mongo.ab.c"])
        #expect(router.topics.count == 4)
    }

    @Test func manyNamespacesEachFindTheirOwnTopic() throws {
        var router = try Opened().router(.sample { $0.watch = .cluster })
        for _ in 0..<2 {
            for number in 0..<500 {
                let event = SampleEvent.insert(1, collection: "c\(number)")
                #expect(try route(event, by: &router) == "mongo.lessons.c\(number)")
            }
        }
        #expect(router.topics.count == 500)
    }

    @Test func aDroppedDatabaseHasATopicOfItsOwn() throws {
        var router = try Opened().router(.sample { $0.watch = .database("lessons") })
        #expect(try route(SampleEvent.dropDatabase(1), by: &router) == "mongo.lessons")
    }

    @Test(
        arguments: [
            (.collection(Namespace(database: "lessons", collection: "inventory")), "mongo.lessons.inventory"),
            (.database("lessons"), "mongo.lessons"),
            (.cluster, "mongo"),
            (
                .collections([Namespace(database: "lessons", collection: "a"), Namespace(database: "lessons", collection: "b")]),
                "mongo.lessons"
            ),
            (.collections([Namespace(database: "x", collection: "a"), Namespace(database: "y", collection: "a")]), "mongo"),
        ] as [(WatchScope, String)])
    func anInvalidateGoesWhereItsScopePoints(_ scope: WatchScope, _ topic: String) throws {
        var router = try Opened().router(.sample { $0.watch = scope })
        #expect(try route(SampleEvent.invalidate(1), by: &router) == topic)
    }

    @Test func aNameThatIsTooLongForKafkaHaltsTheStreamWithTheName() throws {
        var router = try Opened().router(.sample { $0.watch = .database("lessons") })
        let longest = String(repeating: "c", count: 249 - "mongo.lessons.".count)
        #expect(try route(SampleEvent.insert(1, collection: longest), by: &router).utf8.count == 249)
        do {
            _ = try route(SampleEvent.insert(1, collection: longest + "c"), by: &router)
            Issue.record("the name was taken")
        } catch {
            #expect((error as? Halt)?.reason.contains(longest) == true)
        }
    }

    @Test func asksAgainForATopicThatCouldNotBeOpened() throws {
        let opened = try Opened()
        opened.isRefusing = true
        var router = opened.router(.sample())
        #expect(throws: Refusal.self) { try route(SampleEvent.insert(1), by: &router) }
        opened.isRefusing = false
        #expect(try route(SampleEvent.insert(1), by: &router) == "mongo.lessons.inventory")
        #expect(opened.names.count == 2)
        #expect(router.topics.count == 1)
    }

    // MARK: Temporary collections

    private static func rename(_ number: Int32, _ collection: String, to target: String) -> BSONDocument {
        SampleEvent.insert(number, collection: collection) {
            $0.set("operationType", "rename")
            $0.set("documentKey", nil)
            $0.append("to", ["db": "lessons", "coll": .string(target)])
        }
    }

    private func topic(_ event: BSONDocument, by router: inout TopicRouter) throws -> String? {
        let bytes = event.bytes
        let span = bytes.span.bytes
        return try router.route(of: ChangeEvent(of: span, at: 0), in: span).map { router.topics[$0].name }
    }

    @Test func aTemporaryCollectionHasNoTopicAndItsRenamingBelongsToWhatItBecomes() throws {
        let opened = try Opened()
        var router = opened.router(.sample { $0.watch = .database("lessons") })
        for name in ["tmp.agg_out.1c4b", "tmpaB3dE.renameCollection", "tmpaB3dE.convertToCapped.inventory", "tmp.mr.inventory_0"] {
            #expect(try topic(SampleEvent.insert(1, collection: name), by: &router) == nil)
            #expect(try topic(Self.rename(2, name, to: "inventory"), by: &router) == "mongo.lessons.inventory")
            #expect(try topic(SampleEvent.insert(3, collection: name), by: &router) == nil)
            #expect(try topic(Self.rename(4, name, to: "tmp.agg_out.2"), by: &router) == nil)
        }
        #expect(opened.names == ["mongo.lessons.inventory"])
        #expect(try topic(Self.rename(5, "inventory", to: "stock"), by: &router) == "mongo.lessons.inventory")
    }

    /// A configuration that names such a collection means it.
    @Test func aNamedCollectionIsNeverTemporary() throws {
        var router = try Opened().router(.sample { $0.watch = .collection(Namespace(database: "lessons", collection: "tmp.agg_out.x")) })
        #expect(try topic(SampleEvent.insert(1, collection: "tmp.agg_out.x"), by: &router) == "mongo.lessons.tmp.agg_out.x")
    }

    @Test(arguments: [
        "tmp", "tmp.agg_outs", "tmpabc.renameCollection", "tmpabcde.renameCollections", "tmpab_de.renameCollection", "tmpabcde",
    ])
    func aNameThatOnlyLooksSoIsAnybodys(_ name: String) { #expect(!TemporaryCollection.isName(Array(name.utf8))) }

    // MARK: Two collections, one topic

    @Test func aSecondCollectionOfATopicHaltsTheStreamWithBothNames() throws {
        let opened = try Opened()
        var router = opened.router(.sample { $0.watch = .database("lessons") })
        #expect(try route(SampleEvent.insert(1, collection: "foo@bar"), by: &router) == "mongo.lessons.foo_bar")
        let halt = #expect(throws: Halt.self) { try self.route(SampleEvent.insert(2, collection: "foo#bar"), by: &router) }
        #expect(halt?.reason.contains("lessons.foo@bar and lessons.foo#bar") == true)
        #expect(opened.names == ["mongo.lessons.foo_bar"])
        // Others continue.
        #expect(try route(SampleEvent.insert(3, collection: "pears"), by: &router) == "mongo.lessons.pears")
    }

    @Test func aTopicForAllOfADatabaseIsRefusedWhereItIsCompacted() throws {
        let opened = try Opened()
        let fixed = try TextTemplate.parsing("all")
        let stream = StreamSettings.sample {
            $0.watch = .database("lessons")
            $0.topic = fixed
        }
        for isCompacted in [false, true] {
            var router = TopicRouter(stream, isCompacted: { _ in isCompacted }) { try KafkaTopic($0, of: opened.client) }
            #expect(try route(SampleEvent.insert(1, collection: "a"), by: &router) == "all")
            #expect(try route(SampleEvent.dropDatabase(2), by: &router) == "all")
            if isCompacted {
                #expect(throws: Halt.self) { try self.route(SampleEvent.insert(3, collection: "b"), by: &router) }
            } else {
                #expect(try route(SampleEvent.insert(3, collection: "b"), by: &router) == "all")
            }
        }
    }
}
