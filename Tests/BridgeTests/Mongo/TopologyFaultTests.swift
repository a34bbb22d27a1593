import Testing

@testable import Mongo

@Suite struct TopologyFaultTests {
    private typealias Member = TopologyFault.Member
    private typealias Wanted = TopologyFault.Wanted

    private static let primary = Member(host: "a:27017", type: "RSPrimary", replicaSet: "rs0", tags: ["dc": "east"])
    private static let secondary = Member(host: "b:27017", type: "RSSecondary", replicaSet: "rs0", tags: ["dc": "west", "use": "reports"])

    @Test func whereNobodyAnswersNothingIsKnown() {
        #expect(TopologyFault(Wanted(replicaSet: "rs1"), members: []) == nil)
        #expect(TopologyFault(Wanted(replicaSet: "rs1"), members: [Member(host: "a:27017", type: "Unknown")]) == nil)
    }

    @Test func anotherNameOfTheReplicaSet() throws {
        let fault = try #require(TopologyFault(Wanted(replicaSet: "rs1"), members: [Self.primary]))
        #expect(fault.reason == "a:27017 answers and belongs to replica set rs0, and mongodb.uri says replicaSet=rs1")
        #expect(fault.remedy == "Write replicaSet=rs0 in mongodb.uri, or name the servers of rs1")
        #expect(fault.isOfConfiguration)
    }

    @Test(arguments: [
        ("Standalone", "is a standalone server", "Start it with --replSet rs1"),
        ("Mongos", "is a mongos", "Remove replicaSet from mongodb.uri"),
    ])
    func aServerOfNoReplicaSet(_ type: String, _ reason: String, _ remedy: String) throws {
        let fault = try #require(TopologyFault(Wanted(replicaSet: "rs1"), members: [Member(host: "a:27017", type: type)]))
        #expect(fault.reason.contains(reason))
        #expect(fault.remedy.hasPrefix(remedy))
        #expect(fault.isOfConfiguration)
    }

    /// Which passes by itself, where servers are set up while the bridge starts.
    @Test func aReplicaSetThatIsStillToBeInitiated() throws {
        let fault = try #require(TopologyFault(Wanted(replicaSet: "rs1"), members: [Member(host: "a:27017", type: "RSGhost")]))
        #expect(fault.reason.contains("belongs to no replica set yet"))
        #expect(fault.remedy.hasPrefix("Run rs.initiate()"))
        #expect(!fault.isOfConfiguration)
    }

    @Test func noSecondary() throws {
        let fault = try #require(TopologyFault(Wanted(replicaSet: "rs0", readPreference: "secondary"), members: [Self.primary]))
        #expect(fault.reason == "readPreference=secondary has no member to read from; those that answer are a:27017 (primary)")
        #expect(fault.remedy.contains("readPreference=secondaryPreferred"))
        #expect(!fault.isOfConfiguration)
    }

    @Test func noPrimary() throws {
        let fault = try #require(TopologyFault(Wanted(replicaSet: "rs0"), members: [Self.secondary]))
        #expect(fault.reason == "no member is primary now; those that answer are b:27017 (secondary)")
        #expect(!fault.isOfConfiguration)
    }

    @Test func tagsThatNobodyHas() throws {
        let members = [Self.primary, Self.secondary]
        let wanted = Wanted(replicaSet: "rs0", readPreference: "nearest", tagSets: [["dc": "north"], ["dc": "west", "use": "nothing"]])
        let fault = try #require(TopologyFault(wanted, members: members))
        #expect(fault.reason.hasSuffix("there are a:27017 (dc:east), b:27017 (dc:west,use:reports)"))
        #expect(fault.isOfConfiguration)
        #expect(TopologyFault(Wanted(readPreference: "nearest", tagSets: [["dc": "north"], ["dc": "west"]]), members: members) == nil)
        #expect(TopologyFault(Wanted(readPreference: "nearest", tagSets: [["dc": "north"], [:]]), members: members) == nil)
        // Tags of a member that may not be read from.
        #expect(TopologyFault(Wanted(readPreference: "secondary", tagSets: [["dc": "east"]]), members: members) != nil)
    }

    /// The one that is down may be the one that is asked for.
    @Test func aMemberThatDoesNotAnswerMayHaveTheTags() throws {
        var primary = Self.primary
        primary.peers = ["a:27017", "b:27017", "c:27017"]
        let members = [primary, Self.secondary, Member(host: "c:27017", type: "Unknown")]
        let tags = try #require(
            TopologyFault(Wanted(replicaSet: "rs0", readPreference: "nearest", tagSets: [["dc": "north"]]), members: members))
        #expect(tags.remedy.hasPrefix("Start what does not answer (c:27017), or correct readPreferenceTags"))
        #expect(!tags.isOfConfiguration)
        let set = try #require(TopologyFault(Wanted(replicaSet: "rs1", hosts: ["a:27017", "d:27017"]), members: [Self.primary]))
        #expect(!set.isOfConfiguration)
    }
}
