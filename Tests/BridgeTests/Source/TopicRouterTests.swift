import Mongo
import Testing

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
        return router.topics[index].name
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
            #expect((error as? StreamHalt)?.reason.contains(longest) == true)
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
}
