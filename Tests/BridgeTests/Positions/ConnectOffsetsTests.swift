import Foundation
import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

@Suite struct ConnectOffsetsTests {
    private static let usable = ["streaming", "after-snapshot", "incremental-snapshot"]

    @Test func everyRecordedCaseIsHere() throws {
        #expect(ConnectOffsetCase.all.count == 19)
        #expect(
            Set(ConnectOffsetCase.all.map(\.kind))
                == ["streaming", "after-snapshot", "incremental-snapshot", "snapshot", "none", "several-partitions"])
    }

    @Test(arguments: ConnectOffsetCase.all.filter { usable.contains($0.kind) })
    func theNewestOffsetGivesItsToken(_ recorded: ConnectOffsetCase) throws {
        let (entry, offset) = try recorded.offsets().chosen(nil)
        let newest = try #require(recorded.records.last)
        #expect(try entry == newest.entry)
        #expect(offset.token.text == newest.token)
        #expect(offset.token.clusterTime != nil)
        #expect(offset.writer == (recorded.name.hasPrefix("mongo") ? .mongoDB : .debezium))
        #expect(offset.isInIncrementalSnapshot == (recorded.kind == "incremental-snapshot"))
    }

    /// The token stands behind the event that was published last, and before the next one.
    @Test(arguments: ConnectOffsetCase.all.filter { $0.lastPublished != nil && !$0.events.isEmpty })
    func nothingIsLostAndNothingRepeated(_ recorded: ConnectOffsetCase) throws {
        let token = try #require(try recorded.offsets().chosen(nil).offset.token.data)
        let last = try #require(recorded.events.firstIndex { $0.id?.int64Value == recorded.lastPublished })
        #expect(recorded.events[...last].allSatisfy { $0.token <= token })
        #expect(recorded.events[(last + 1)...].allSatisfy { $0.token > token })
    }

    @Test(arguments: ConnectOffsetCase.all.filter { $0.kind == "snapshot" })
    func anOffsetInTheMiddleOfACopyIsRefused(_ recorded: ConnectOffsetCase) throws {
        let halt = try #require(throws: Halt.self) { try recorded.offsets().chosen(nil) }
        #expect(halt.reason.contains("in the middle of its snapshot"))
        #expect(halt.remedy.contains("`snapshot: initial`"))
        #expect(halt.status == .configuration)
    }

    @Test(arguments: ConnectOffsetCase.all.filter { $0.kind == "none" })
    func offsetsThatWereResetAreNone(_ recorded: ConnectOffsetCase) throws {
        let halt = try #require(throws: Halt.self) { try recorded.offsets().chosen(nil) }
        #expect(halt.reason.hasSuffix("its offsets were reset"))
        #expect(halt.remedy.contains("`snapshot: initial`"))
    }

    @Test(arguments: ConnectOffsetCase.all.filter { $0.kind == "several-partitions" })
    func theChoiceOfSeveralOffsetsIsShownAndMade(_ recorded: ConnectOffsetCase) throws {
        let offsets = try recorded.offsets()
        let usage = try #require(throws: WrongUsage.self) { try offsets.chosen(nil) }
        for record in recorded.records {
            let key = try record.entry.key.text
            #expect(usage.description.contains("'\(key)'"))
            #expect(try offsets.chosen(key).offset.token.text == record.token)
        }
        let unknown = try #require(throws: WrongUsage.self) { try offsets.chosen(#"["mk-named",{"ns":"third.partition"}]"#) }
        #expect(unknown.description.contains(#"'["mk-named",{"ns":"my.partition"}]'"#))
    }

    /// What compaction keeps is enough: the newest record of each key.
    @Test(arguments: ConnectOffsetCase.all)
    func compactionChangesNothing(_ recorded: ConnectOffsetCase) throws {
        func outcome(_ records: [ConnectOffsetCase.Record]) throws -> String {
            var offsets = ConnectOffsets(of: recorded.connector, in: "connect-offsets")
            for record in records { offsets.take(try record.entry) }
            do { return "\(try offsets.chosen(nil))" } catch { return "\(error)" }
        }
        var newest: [[UInt8]: ConnectOffsetCase.Record] = [:]
        for record in recorded.records { newest[record.key] = record }
        let compacted = recorded.records.filter { newest[$0.key]?.coordinates == $0.coordinates }
        #expect(try outcome(compacted) == outcome(recorded.records))
    }

    @Test func oneTopicHasManyConnectors() throws {
        let topic = try ConnectOffsetCase(ConnectOffsetCase.wholeTopic)
        let states = [
            "dbz-stream": "debezium-after-reset", "dbz-mid": "debezium-mid-snapshot-stopped", "dbz-snap": "debezium-after-snapshot",
            "dbz-heartbeat": "debezium-heartbeat", "dbz-txn": "debezium-transaction", "dbz-incremental": "debezium-incremental",
            "mk-stream": "mongo-reset", "mk-named": "mongo-two-partitions", "mk-heartbeat": "mongo-heartbeat",
            "mk-copy": "mongo-after-copy",
        ]
        #expect(try Set(topic.records.map { try $0.entry.key.connector }) == Set(states.keys))
        for (connector, name) in states {
            func outcome(_ offsets: ConnectOffsets) -> String {
                do { return "\(try offsets.chosen(nil))" } catch { return "\(error)" }
            }
            #expect(try outcome(topic.offsets(of: connector)) == outcome(ConnectOffsetCase(name).offsets()), "\(connector)")
        }
        let usage = try #require(throws: WrongUsage.self) { try topic.offsets(of: "mk-steam").chosen(nil) }
        #expect(usage.description.contains("did you mean `mk-stream`?"))
    }

    /// A key moves when partitions are added, and its older offset stays where it was.
    @Test func ofSeveralPartitionsTheNewestRecordCounts() throws {
        let recorded = try ConnectOffsetCase("debezium-generations")
        let (old, new) = (try recorded.records[0].entry, try recorded.records[1].entry)
        let moved = ConnectOffsets.Entry(
            key: new.key, value: new.value, coordinates: RecordCoordinates(partition: 7, offset: 0), writtenAt: new.writtenAt)
        for order in [[old, moved], [moved, old]] {
            var offsets = ConnectOffsets(of: recorded.connector, in: "connect-offsets")
            for entry in order { offsets.take(entry) }
            #expect(try offsets.chosen(nil).entry == moved)
        }
    }

    @Test(arguments: [
        "", "[]", "{}", #""name""#, #"["name"]"#, #"["name",null]"#, #"[1,{}]"#, #"["name",{},{}]"#, #"["name",{}"#, #"["name",{}]x"#,
        #"{"connector":"name"}"#,
    ])
    func whatIsNoKeyOfAnOffsetIsLeftOut(_ text: String) {
        #expect(ConnectOffsetKey(Array(text.utf8)) == nil)
    }

    @Test func aKeyIsReadAndNotComposed() throws {
        let text = #" [ "na\u006de" , {"server_id" : "a\"b"} ] "#
        let key = try #require(ConnectOffsetKey(Array(text.utf8)))
        #expect(key.connector == "name")
        #expect(key.text == text)
    }

    private static let data = "826B0AE119000000032B022C0100296E5A1004"

    /// (the value, the text of its token)
    @Test(arguments: [
        (#"{"_id":"{\"_data\": \"\#(data)\"}","copy":"false"}"#, data),
        (
            #"{"_id":"{\"_data\": \"\#(data)\", \"_typeBits\": {\"$binary\": {\"base64\": \"gg==\", \"subType\": \"00\"}}}"}"#, "\(data):82"
        ),
        // As older versions of Debezium are said to have written it.
        (#"{"sec":1,"ord":1,"resume_token":"\#(data)"}"#, data),
        (
            #"{"sec":1,"ord":1,"resume_token":"LwAAAAJfZGF0YQAfAAAAODI2QjBBRTEzMTAwMDAwMDAxMkIwMjI5Mjk2RTA0AAA=","initsync":false}"#,
            "826B0AE131000000012B0229296E04"
        ),
    ])
    func aTokenHasManyForms(_ value: String, _ token: String) throws {
        #expect(try ConnectOffset(value: Array(value.utf8)).token.text == token)
    }

    @Test(arguments: [
        ("", ConnectOffset.Unusable.otherForm), ("null", .otherForm), ("[]", .otherForm), ("{}", .otherForm), (#"{"pos":4}"#, .otherForm),
        (#"{"_id":7}"#, .otherForm), (#"{"_id":"no JSON"}"#, .noToken(.mongoDB)), (#"{"_id":"{\"_id\": 7}"}"#, .noToken(.mongoDB)),
        (#"{"_id":"{\"_id\": 7, \"copyingData\": true}"}"#, .inSnapshot),
        (#"{"_id":"{\"_data\": \"82\"}","copy":"true"}"#, .inSnapshot),
        (#"{"sec":1,"ord":1}"#, .noToken(.debezium)), (#"{"sec":1,"ord":1,"resume_token":null}"#, .noToken(.debezium)),
        (#"{"sec":1,"ord":1,"resume_token":""}"#, .noToken(.debezium)), (#"{"sec":1,"ord":1,"resume_token":"????"}"#, .noToken(.debezium)),
        (#"{"sec":1,"ord":1,"resume_token":"BQAAAAA="}"#, .noToken(.debezium)),
        (#"{"sec":1,"ord":1,"resume_token":"LwAAAAJfZGF0YQAf"}"#, .noToken(.debezium)),
    ])
    func anOffsetWithoutATokenIsNamed(_ value: String, _ reason: ConnectOffset.Unusable) {
        #expect(throws: reason) { try ConnectOffset(value: Array(value.utf8)) }
    }
}
