import Foundation
import Mongo
import Testing

@testable import StreamBridge

@Suite struct MongoGrantsTests {
    private static func grants(
        uri: String = "mongodb://127.0.0.1:27017/?replicaSet=rs0", makesIndexes: Bool = false,
        _ change: (inout BridgeConfiguration) -> Void = { _ in }
    ) throws -> MongoGrants {
        let configuration = SampleConfiguration.make {
            $0.mongodb.uri = uri
            change(&$0)
        }
        return try MongoGrants(configuration, makesIndexes: makesIndexes)
    }

    /// What a command of mongosh is given, without comments.
    private static func argument(of command: String, in shell: String) throws -> BSONDocument {
        let start = try #require(shell.range(of: "\(command)(")).upperBound
        let end = try #require(shell[start...].range(of: "})")).lowerBound
        let lines = shell[start..<end].split(separator: "\n").filter { !$0.contains("//") }
        return try BSONDocument(
            extendedJSON: (lines.joined(separator: "\n") + "}").replacing("passwordPrompt()", with: "\"asked for\""))
    }

    @Test(arguments: [true, false])
    func theShellsCommandsAreThoseOfTheServer(makesIndexes: Bool) throws {
        let grants = try Self.grants(makesIndexes: makesIndexes)
        let commands = try BSONDocument(extendedJSON: grants.json)
        let role = try #require(commands["role"]?.documentValue?["command"]?.documentValue)
        let shown = try Self.argument(of: "db.getSiblingDB(\"admin\").createRole", in: grants.shell)
        #expect(shown["role"] == role["createRole"] && shown["role"] == "bridge.lessons")
        #expect(shown["privileges"] == role["privileges"])
        #expect(shown["roles"] == role["roles"])

        let user = try #require(commands["user"]?.documentValue?["command"]?.documentValue)
        let shownUser = try Self.argument(of: "db.getSiblingDB(\"admin\").createUser", in: grants.shell)
        #expect(shownUser["user"] == user["createUser"] && shownUser["user"] == "bridge")
        #expect(shownUser["roles"] == user["roles"])
        #expect(shownUser["pwd"] == "asked for" && user["pwd"] == nil)
    }

    @Test func eachRightIsThereOnceAndOptionalOnesComeLast() throws {
        let streams = [
            StreamSettings.sample(), StreamSettings.sample { $0.name = "second" },
            StreamSettings.sample {
                $0.name = "images"
                $0.fullDocument = .required
            },
        ]
        let needs = PrivilegeNeeds.of(SampleConfiguration.make(streams: streams), makesIndexes: false)
        #expect(
            needs.privileges.map { "\($0.actions.joined(separator: " ")) on \($0.resource)\($0.isOptional ? ", optional" : "")" } == [
                "changeStream find on lessons.inventory", "find insert listIndexes update on lessons.shipments", "find on lessons.trucks",
                "changeStream find listCollections on all collections of lessons, optional", "find on local.oplog.rs, optional",
            ])
    }

    /// (what is watched, where collections are listed)
    @Test(
        arguments: [
            (WatchScope.collection(.init(database: "a", collection: "x")), ["all collections of a"]),
            (
                .collections([.init(database: "b", collection: "x"), .init(database: "a", collection: "y")]),
                ["all collections of a", "all collections of b"]
            ),
            (.database("a"), ["all collections of a"]), (.cluster, ["all databases"]),
        ] as [(WatchScope, [String])])
    func aSnapshotNeedsTheListOfCollections(_ watch: WatchScope, _ resources: [String]) {
        func needs(_ when: SnapshotSettings.When, tools: Bool) -> [PrivilegeNeed] {
            let stream = StreamSettings.sample {
                $0.watch = watch
                $0.snapshot.when = when
            }
            return PrivilegeNeeds.of(
                SampleConfiguration.make(streams: [stream], dispatchers: []), makesIndexes: false, includesTools: tools
            ).filter { $0.actions == ["listCollections"] }
        }
        for tools in [true, false] {
            #expect(needs(.initial, tools: tools).map { "\($0.resource)" } == resources)
            #expect(needs(.initial, tools: tools).allSatisfy { $0.otherwise == nil })
        }
        // A stream that begins without one runs without the right, and the check does not ask for it.
        #expect(needs(.never, tools: true).map { "\($0.resource)" } == resources)
        #expect(needs(.never, tools: true).allSatisfy { $0.otherwise == "`bridge snapshot start` is refused for it" })
        #expect(needs(.never, tools: false).isEmpty)
    }

    /// (what is watched, the resource)
    @Test(arguments: [
        (WatchScope.collection(.init(database: "a", collection: "x")), "a.x"), (.database("a"), "all collections of a"),
        (.cluster, "all databases"),
        (.collections([.init(database: "a", collection: "x"), .init(database: "a", collection: "y")]), "all collections of a"),
        (.collections([.init(database: "a", collection: "x"), .init(database: "b", collection: "y")]), "all databases"),
    ])
    func aChangeStreamNeedsWhatItIsOpenedOn(_ watch: WatchScope, _ resource: String) {
        let need = PrivilegeNeeds.changeStream(of: .sample { $0.watch = watch })
        #expect("\(need.resource)" == resource)
        #expect(need.actions == ["changeStream", "find"])
    }

    @Test func theOplogIsNeededWhereAStreamMayBeginAtItsOldestEntry() {
        func isNeeded(_ change: (inout StreamSettings) -> Void) -> Bool {
            PrivilegeNeeds.of(SampleConfiguration.make(streams: [.sample(change)], dispatchers: []), makesIndexes: false)
                .contains { "\($0.resource)" == "local.oplog.rs" && $0.otherwise == nil }
        }
        #expect(!isNeeded { _ in })
        #expect(isNeeded { $0.startAt = .oldest })
        #expect(isNeeded { $0.onLostPosition = .oldest })
        #expect(
            PrivilegeNeeds.of(SampleConfiguration.make(streams: []), makesIndexes: false).allSatisfy {
                "\($0.resource)" != "local.oplog.rs"
            })
    }

    @Test func theIndexIsMadeByTheOneWhoGrantsOrByTheBridge() throws {
        let printed = try Self.grants()
        #expect(try printed.shell.contains(#"getCollection("shipments").createIndex({"truck_id": 1}"#))
        #expect(try !printed.json.contains("\"createIndex\""))
        let commands = try BSONDocument(extendedJSON: printed.json)["indexes"]?.arrayValue?.compactMap(\.documentValue)
        #expect(commands?.map { $0["db"] } == ["lessons"])
        #expect(commands?.first?["command"]?.documentValue?.keys.first == "createIndexes")
        let granted = try Self.grants(makesIndexes: true)
        #expect(try !granted.shell.contains(".createIndex("))
        #expect(try granted.json.contains(#""indexes":[]"#) && granted.json.contains("\"createIndex\""))
    }

    @Test func theUserIsTheUrisAndItsPasswordIsNotPrinted() throws {
        let grants = try Self.grants(uri: "mongodb://us%40er:pass%2Fword@db1,db2/?replicaSet=rs0&authSource=accounts")
        #expect(try grants.shell.contains(#"db.getSiblingDB("accounts").createUser({ "user": "us@er", "pwd": passwordPrompt(), "#))
        for text in [try grants.shell, try grants.json] {
            #expect(!text.contains("pass%2Fword") && !text.contains("pass/word"))
        }
    }

    @Test func whoHasACertificateHasNoPassword() throws {
        let options = "?authMechanism=MONGODB-X509&tls=true&replicaSet=rs0"
        let named = try Self.grants(uri: "mongodb://CN%3Dbridge,O%3DLessons@db1/\(options)")
        #expect(try named.shell.contains(#"db.getSiblingDB("$external").createUser({ "user": "CN=bridge,O=Lessons", "roles":"#))
        #expect(try !named.shell.contains("passwordPrompt"))
        #expect(try BSONDocument(extendedJSON: named.json)["user"]?.documentValue?["db"] == "$external")
        // Without a name in the URI the server takes the certificate's.
        let unnamed = try Self.grants(uri: "mongodb://db1/\(options)")
        #expect(try unnamed.shell.contains("openssl x509 -in FILE -noout -subject -nameopt RFC2253"))
        #expect(try unnamed.shell.contains(#""user": "SUBJECT OF THE CERTIFICATE""#))
    }
}
