import Foundation
import Testing

@testable import Kafka
@testable import StreamBridge

/// From what was found to the file, and back through the loader.
@Suite struct InitPlanTests {
    private static let inventory = Namespace(database: "lessons", collection: "inventory")
    private static let replicaSet = Deployment(replicaSet: "rs0", isSharded: false, version: "7.0.1")

    private static func watched(
        _ scope: WatchScope = .collection(inventory), _ collections: [Survey.Collection]? = [.init(namespace: inventory, documents: 36)],
        missing: [Namespace] = [], topics: [String: Int] = [:]
    ) -> Survey.Watched { Survey.Watched(scope: scope, collections: collections, missing: missing, topics: topics) }

    private static func plan(
        _ watched: Survey.Watched = watched(), uri: String = "mongodb://db1/?replicaSet=rs0", brokers: Int = 1, name: String? = nil,
        deployment: Deployment = replicaSet, set: String? = nil, delivery: Delivery = .exactlyOnce
    ) throws -> InitPlan {
        try InitPlan(
            InitRequest(mongodb: uri, kafka: "k1:9092,k2:9092", watch: ["\(watched.scope)"], name: name),
            survey: Survey(deployment: deployment, unnamedReplicaSet: set, brokers: brokers, watched: [watched]), delivery: delivery)
    }

    private static func load(_ plan: InitPlan) throws -> BridgeConfiguration {
        let loaded = try ConfigurationLoader.load(
            yaml: plan.text, source: "bridge.yaml", environment: ["MONGODB_PASSWORD": "pw"], readFile: { _ in "" }, checks: .drivers)
        #expect(loaded.warnings.isEmpty)
        return loaded.configuration
    }

    private static func stream(_ plan: InitPlan) throws -> StreamSettings { try #require(try load(plan).streams.first) }

    @Test func theTextSaysWhatWasChosen() throws {
        let configuration = try Self.load(Self.plan(brokers: 5, name: "shop"))
        #expect(configuration.name == "shop")
        #expect(configuration.mongodb.uri == "mongodb://db1/?replicaSet=rs0")
        #expect(configuration.kafka == .init(common: ["bootstrap.servers": "k1:9092,k2:9092"]))
        #expect(configuration.topics.partitions == 6 && configuration.topics.replicationFactor == 3 && configuration.topics.create)
        let stream = try #require(configuration.streams.first)
        #expect(stream.name == "inventory" && stream.watch == .collection(Self.inventory) && stream.topic == .ofCollections)
        #expect(stream.snapshot.when == .initial && stream.fullDocument == .updateLookup && stream.fullDocumentBeforeChange == .off)
        #expect(stream.delivery == .exactlyOnce)
        #expect(try Self.stream(Self.plan(delivery: .atLeastOnce)).delivery == .atLeastOnce)
    }

    @Test(arguments: [(1, 1), (2, 2), (3, 3), (9, 3)])
    func replicasFollowTheBrokers(_ brokers: Int, _ replicas: Int) throws {
        #expect(try Self.load(Self.plan(brokers: brokers)).topics.replicationFactor == replicas)
    }

    @Test func partitionsFollowATopicThatIsThere() throws {
        let plan = try Self.plan(Self.watched(topics: ["mongo.lessons.inventory": 4]))
        #expect(try Self.load(plan).topics.partitions == 4)
        #expect(plan.text.contains("mongo.lessons.inventory has 4"))
        #expect(!plan.text.contains("which the bridge creates"))
    }

    @Test func imagesThatAreKeptAreUsed() throws {
        let kept = Survey.Collection(namespace: Self.inventory, keepsImages: true, documents: 1)
        let other = Survey.Collection(namespace: Namespace(database: "lessons", collection: "trucks"), documents: 1)
        let stream = try Self.stream(Self.plan(Self.watched(.collection(Self.inventory), [kept])))
        #expect(stream.fullDocument == .whenAvailable && stream.fullDocumentBeforeChange == .whenAvailable)
        for (collections, reason) in [
            ([kept, other], "lessons.trucks keeps no pre- and post-images"), ([], "there is no collection yet"),
            (nil, "the account may not see whether images are kept"),
        ] {
            let plan = try Self.plan(Self.watched(.database("lessons"), collections))
            #expect(try Self.stream(plan).fullDocument == .updateLookup)
            #expect(plan.text.contains("# \(reason)."), "\(plan.text)")
        }
    }

    @Test func documentsThatAreThereAreCopied() throws {
        func when(_ watched: Survey.Watched, _ deployment: Deployment = Self.replicaSet) throws -> SnapshotSettings.When {
            try Self.stream(Self.plan(watched, deployment: deployment)).snapshot.when
        }
        #expect(try Self.plan().text.contains("About 36 documents are there"))
        #expect(try when(Self.watched()) == .initial)
        // Nobody may count: better once too often.
        #expect(try when(Self.watched(.collection(Self.inventory), [.init(namespace: Self.inventory)])) == .initial)
        #expect(try when(Self.watched(.collection(Self.inventory), [.init(namespace: Self.inventory, documents: 0)])) == .never)
        #expect(
            try when(Self.watched(.collection(Self.inventory), [.init(namespace: Self.inventory, isCapped: true, documents: 9)])) == .never)
        #expect(try when(Self.watched(.collection(Self.inventory), nil)) == .never)
        #expect(try when(Self.watched(.collection(Self.inventory), [], missing: [Self.inventory])) == .never)
        #expect(try when(Self.watched(), Deployment(replicaSet: "rs0", isSharded: false, version: "4.4.1")) == .never)
    }

    @Test(arguments: [
        ("mongodb://u:p%40ss@db1/", "mongodb://u:${MONGODB_PASSWORD}@db1/", "p%40ss"),
        ("mongodb+srv://u:secret@db1.example.net", "mongodb+srv://u:${MONGODB_PASSWORD}@db1.example.net", "secret"),
        ("mongodb://u@db1/", "mongodb://u@db1/", nil), ("mongodb://u:${PW}@db1/", "mongodb://u:${PW}@db1/", nil),
        ("mongodb://u:${file:/run/pw}@db1", "mongodb://u:${file:/run/pw}@db1", nil),
    ])
    func aPasswordIsNoPartOfTheText(_ uri: String, _ written: String, _ password: String?) throws {
        let plan = try Self.plan(uri: uri)
        #expect(plan.uri == written && plan.password == password)
        #expect(plan.text.contains("uri: \"\(written)\""))
        if let password {
            #expect(!plan.text.contains(password) && !plan.notes.joined().contains(password))
            #expect(try plan.load(asFile: "bridge.yaml", environment: [:]).mongodb.uri == uri)
        }
    }

    @Test func otherSecretsAreRefused() throws {
        let request = InitRequest(
            mongodb: "mongodb://db1/?tls=true&tlsCertificateKeyFile=/k.pem&tlsCertificateKeyFilePassword=hush", kafka: "k:1", watch: ["a.b"]
        )
        let refusal = #expect(throws: WrongUsage.self) { try request.connection(environment: [:]) }
        #expect(refusal?.description.contains("tlsCertificateKeyFilePassword is a secret") == true)
        #expect(refusal?.description.contains("hush") == false)
    }

    @Test(arguments: [
        ("mongodb://h:1", "mongodb://h:1/?replicaSet=rs0"), ("mongodb://h:1/", "mongodb://h:1/?replicaSet=rs0"),
        ("mongodb://h/db?tls=true", "mongodb://h/db?tls=true&replicaSet=rs0"),
        ("mongodb://u:${file:/x}@h", "mongodb://u:${file:/x}@h/?replicaSet=rs0"),
    ])
    func theReplicaSetIsNamed(_ uri: String, _ written: String) throws { #expect(try Self.plan(uri: uri, set: "rs0").uri == written) }

    /// The same names at every start, and different ones for different scopes.
    @Test func namesFollowFromWhatIsWatched() throws {
        func names(_ watch: String...) throws -> (bridge: String, streams: [String]) {
            let scopes = try InitRequest(mongodb: "", kafka: "", watch: watch).scopes()
            return (InitNames.bridge(of: scopes), scopes.map { InitNames.stream(of: $0, among: scopes) })
        }
        #expect(try names("lessons.inventory") == ("lessons", ["inventory"]))
        #expect(try names("lessons.inventory", "lessons.trucks", "lessons.trucks") == ("lessons", ["inventory", "trucks"]))
        #expect(try names("lessons") == ("lessons", ["lessons"]))
        #expect(try names("lessons.lessons") == ("lessons", ["lessons.lessons"]))
        #expect(try names("b.x", "a.x") == ("a-b", ["b.x", "a.x"]))
        #expect(try names("*") == ("cluster", ["cluster"]))
        let odd = try names("lessons.a b", "lessons.a_b").streams
        #expect(odd[0].hasPrefix("a_b-") && odd[1] == "a_b")
        let long = try names("lessons." + String(repeating: "x", count: 200)).streams[0]
        #expect(long.count < 75)
    }

    @Test func textsWithOddNamesLoad() throws {
        let odd = Namespace(database: "true", collection: "a: \"b\" # {c}")
        let stream = try Self.stream(Self.plan(Self.watched(.collection(odd), [.init(namespace: odd, documents: 1)])))
        #expect(stream.watch == .collection(odd))
    }

    @Test func mistakesNameTheOption() {
        for (watch, words) in [("lessons.", "--watch `lessons.`"), ("a.b,a.c", "--watch takes one"), ("admin.x", "--watch `admin.x`")] {
            let refusal = #expect(throws: WrongUsage.self) { try InitRequest(mongodb: "", kafka: "", watch: [watch]).scopes() }
            #expect(refusal?.description.contains(words) == true, "\(watch)")
        }
        for (uri, kafka, words) in [("mongo://h", "k:1", "--mongodb: found"), ("mongodb://h", "k:x", "--kafka: ")] {
            let refusal = #expect(throws: WrongUsage.self) {
                try InitRequest(mongodb: uri, kafka: kafka, watch: ["a.b"]).connection(environment: [:])
            }
            #expect(refusal?.description.contains(words) == true, "\(refusal?.description ?? "")")
        }
    }
}
