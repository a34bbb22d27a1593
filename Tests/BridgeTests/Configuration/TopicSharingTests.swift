import Mongo
import Testing

@testable import StreamBridge

/// Two collections whose documents could be taken for each other have no topic in common.
@Suite struct TopicSharingTests {
    private static func namespaces(_ names: String...) throws -> [Namespace] { try names.map { try Namespace(parsing: $0) } }

    private static func refusal(
        _ topic: String, _ names: [Namespace], isCompacted: Bool = false, _ change: (inout StreamSettings) -> Void = { _ in }
    ) throws -> TopicConflict? {
        let template = try TextTemplate.parsing(topic)
        let stream = StreamSettings.sample {
            $0.topic = template
            change(&$0)
        }
        return TopicSharing(stream).refusal(among: names) { _ in isCompacted }
    }

    @Test(arguments: [
        ("mongo.{db}.{coll}", ["shop.foo@bar", "shop.foo#bar"]), ("{coll}", ["shop.orders", "old.orders"]),
        ("all.{coll}", ["shop.ä", "shop.ö"]),
    ])
    func aTopicForEachCollectionIsNotTheSameForTwo(_ topic: String, _ names: [String]) throws {
        let namespaces = try names.map { try Namespace(parsing: $0) }
        let refusal = try #require(try Self.refusal(topic, namespaces))
        for name in names { #expect(refusal.reason.contains(name)) }
        // Without keys nothing is taken for anything else.
        #expect(try Self.refusal(topic, namespaces) { $0.key = .none } == nil)
    }

    @Test func theMendNamesThePlaceholderThatIsMissing() throws {
        #expect(
            try Self.refusal("{coll}", Self.namespaces("shop.orders", "old.orders"))?.remedy.hasPrefix("Write {db} into the topic") == true)
        #expect(
            try Self.refusal("all", Self.namespaces("shop.orders", "shop.items")) { $0.content = .fullDocument }?.remedy
                .hasPrefix("Write {coll} into the topic") == true)
        #expect(try Self.refusal("{db}.{coll}", Self.namespaces("shop.a b", "shop.a+b"))?.remedy.contains("a stream of its own") == true)
    }

    @Test(arguments: ["everything", "mongo.{db}"])
    func aTopicForAllOnPurposeIsTakenWhileRecordsSayWhoseTheyAre(_ topic: String) throws {
        let names = try Self.namespaces("shop.orders", "shop.items")
        #expect(try Self.refusal(topic, names) == nil)
        #expect(try Self.refusal(topic, names, isCompacted: true)?.reason.contains("compacted") == true)
        #expect(try Self.refusal(topic, names) { $0.content = .fullDocument }?.reason.contains("fullDocument") == true)
        #expect(try Self.refusal(topic, names) { $0.tombstones = true }?.reason.contains("tombstone") == true)
        #expect(
            try Self.refusal(topic, names, isCompacted: true) {
                $0.content = .fullDocument
                $0.key = .none
            } == nil)
    }

    /// By a customer, for example: documents of one collection share it as well.
    @Test func aKeyThatIsNoDocumentsOwnIsSharedOnPurpose() throws {
        let names = try Self.namespaces("shop.orders", "shop.items")
        func refusal(_ key: [String], isCompacted: Bool = false) throws -> TopicConflict? {
            try Self.refusal("everything", names, isCompacted: isCompacted) {
                $0.content = .fullDocument
                $0.key = .field(key)
            }
        }
        #expect(try refusal(["fullDocument", "customer"]) == nil)
        #expect(try refusal(["documentKey", "_id"])?.reason.contains("fullDocument") == true)
        #expect(try refusal(["fullDocument", "customer"], isCompacted: true)?.reason.contains("compacted") == true)
    }

    @Test func differentTopicsAreNoMatter() throws {
        #expect(try Self.refusal("mongo.{db}.{coll}", Self.namespaces("shop.a", "shop.b", "old.a")) { $0.content = .fullDocument } == nil)
        #expect(try Self.refusal("{coll}", Self.namespaces("shop.a", "old.b")) == nil)
    }

    @Test(arguments: [
        ("watch: [shop.orders, old.orders]\n    topic: \"{coll}\"", "shop.orders and old.orders"),
        ("watch: [shop.orders, shop.items]\n    topic: all\n    content: fullDocument\n    fullDocument: updateLookup", "do not say which"),
        ("watch: shop\n    topic: all\n    content: fullDocument\n    fullDocument: updateLookup", "all collections would have one topic"),
        ("watch: \"*\"\n    topic: mongo.{db}\n    tombstones: true", "all collections would have one topic"),
    ])
    func theConfigurationRefusesWhatItKnows(_ stream: String, _ reason: String) throws {
        let fault = try #require(
            ConfigurationText.faults(ConfigurationText.minimal().replacing("watch: lessons.inventory", with: stream)).first)
        #expect(fault.contains("streams[0].topic: "), "\(fault)")
        #expect(fault.contains(reason), "\(fault)")
    }

    @Test func aPipelineThatChoosesByNamespaceIsWaitedFor() throws {
        let yaml = ConfigurationText.minimal().replacing(
            "watch: lessons.inventory",
            with: "watch: lessons\n    topic: all\n    tombstones: true\n    pipeline: [{$match: {ns.coll: inventory}}]")
        #expect(ConfigurationText.faults(yaml).isEmpty)
        let stream = StreamSettings.sample { $0.pipeline = #"[{"$match":{"ns.coll":"foo@bar"}}]"# }
        let remark = TopicSharing(stream).remark(on: try Self.namespaces("shop.foo@bar", "shop.foo#bar")) { _ in false }
        #expect(remark?.isFault == false)
    }

    @Test func twoStreamsMayShareATopicLikeTheCollectionsOfOne() throws {
        func faults(_ more: String) -> [String] {
            ConfigurationText.faults(
                ConfigurationText.minimal(stream: "topic: all", top: "  - {name: trucks, watch: lessons.trucks, topic: all\(more)}\n"))
        }
        #expect(faults("").isEmpty)
        let fault = try #require(faults(", content: fullDocument").first)
        #expect(fault.contains("streams[1].topic: lessons.inventory of stream inventory and lessons.trucks of stream trucks"), "\(fault)")
        // The same documents twice are confusing, and nothing is lost.
        #expect(
            ConfigurationText.faults(
                ConfigurationText.minimal(
                    stream: "topic: all", top: "  - {name: again, watch: lessons.inventory, topic: all, content: fullDocument}\n")
            ).isEmpty)
    }
}
