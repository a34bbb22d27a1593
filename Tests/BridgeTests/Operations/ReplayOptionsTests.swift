import Mongo
import Testing

@testable import StreamBridge

/// What a replay takes, before anybody is asked.
@Suite struct ReplayOptionsTests {
    @Test(arguments: [
        ("{\"$out\": \"x\"}", "none of a change stream"), ("$match", "found"), ("{\"match\": {}}", "write `$match`"), ("7", "found"),
        ("{$match: [", "not YAML"), ("", "write"),
    ])
    func aFilterThatIsNoneIsWrongUsage(filter: String, sentence: String) async throws {
        let usage = try #require(throws: WrongUsage.self) {
            try StreamSettings.sample().replaying(filter: filter, topic: nil, bridge: "lessons")
        }
        #expect(usage.description.contains("--filter: "))
        #expect(usage.description.lowercased().contains(sentence.lowercased()), "\(usage)")
    }

    @Test(arguments: ["bridge.lessons.replays", "bridge.{db}.positions", "bridge.lessons.control", "bad topic", "again.{key}"])
    func aTopicThatCannotBeIsWrongUsage(topic: String) throws {
        #expect(throws: WrongUsage.self) { try StreamSettings.sample().replaying(filter: nil, topic: topic, bridge: "lessons") }
    }

    @Test(arguments: [["bad id"], [""], ["a/b"]]) func anIDThatKafkaDoesNotTakeIsWrongUsage(ids: [String]) throws {
        for id in ids { #expect(throws: WrongUsage.self) { try ReplayLedger.id(asked: id) } }
        let made = try ReplayLedger.id(asked: nil)
        #expect(try ReplayLedger.id(asked: made) == made)
    }

    @Test func stagesComeBehindThoseOfTheStream() throws {
        #expect(PipelineText.joined("[]", "[{\"$match\": {}}]") == "[{\"$match\": {}}]")
        #expect(PipelineText.joined(" [ {\"$match\": {\"a\": [1]}} ] ", "[]") == "[ {\"$match\": {\"a\": [1]}} ]")
        let both = PipelineText.joined("[{\"$match\": {\"a\": [1]}}]", "[{\"$unset\": \"b\"}]")
        #expect(both == "[{\"$match\": {\"a\": [1]}}, {\"$unset\": \"b\"}]")
    }

    @Test func aPaceSpreadsEventsAndMakesNothingGoodByABurst() {
        var pace = RateLimiter(rate: 100)
        #expect(pace.batchEvents == 10)
        let start = ContinuousClock.now
        let turns = (0..<3).map { _ in pace.turn(of: 10) }
        #expect(turns[0] <= .now)
        #expect(turns[1] - turns[0] == .milliseconds(100))
        #expect(turns[2] - turns[1] == .milliseconds(100))
        #expect(RateLimiter(rate: 1).batchEvents == 1)
        #expect(turns[0] >= start || start - turns[0] < .seconds(1))
    }

    @Test func theFractionGoesByClusterTimeAlsoWithinASecond() {
        func time(_ seconds: UInt32, _ increment: UInt32) -> BSONTimestamp { BSONTimestamp(seconds: seconds, increment: increment) }
        let long = EventRange(start: .now, from: .time(time(100, 1)), to: .time(time(900, 1)), newest: time(500, 1))
        #expect(long.fraction(at: time(200, 1)) == 0.25)
        #expect(long.fraction(at: time(50, 1)) == 0)
        #expect(long.fraction(at: time(600, 1)) == 1)
        let short = EventRange(start: .now, from: .time(time(100, 0)), to: .time(time(100, 1000)), newest: nil)
        #expect(short.fraction(at: time(100, 250)) == 0.25)
        #expect(short.fraction(at: nil) == nil)
        #expect(EventRange(start: .now, from: .time(time(100, 1)), to: .time(time(100, 1)), newest: nil).fraction(at: time(100, 1)) == nil)
    }

    @Test func theStreamsOwnTopicIsKnownByItsName() {
        var request = StreamReplay.Request(stream: .sample(), from: .start(.oldest), by: "ann@desk")
        #expect(request.isToOwnTopics)
        request.topic = "mongo.{db}.{coll}"
        #expect(request.isToOwnTopics)
        request.topic = "again"
        #expect(!request.isToOwnTopics)
    }
}
