import Mongo
import Testing

@testable import Kafka
@testable import Runtime
@testable import StreamBridge

@Suite struct CloudEventsEncoderTests {
    static let token = "82" + "6274DD9F" + "00000001" + "2B022C0100296E5A1004"

    static func stream(_ mode: CloudEventsMode, tombstones: Bool = false) -> StreamSettings {
        .sample {
            $0.format = .cloudevents(mode)
            $0.tombstones = tombstones
        }
    }

    private func records(
        of event: BSONDocument, _ mode: CloudEventsMode = .binary, origin: RecordOrigin = .live, replicaSet: String? = "rs0"
    ) throws -> [EncodedRecord] {
        try EventEncoder(Self.stream(mode, tombstones: true), origin: origin, replicaSet: replicaSet).records(of: event)
    }

    private func attributes(_ record: EncodedRecord?) -> [String] {
        (record?.headers ?? []).filter { $0.hasPrefix("ce_") || $0.hasPrefix("content-type") }
    }

    @Test func binaryModeHasTheAttributesInHeaders() throws {
        let event = SampleEvent.insert(1)
        let record = try #require(try records(of: event).first)
        #expect(
            record.headers.suffix(7) == [
                "ce_specversion=1.0", "ce_id=\(Self.token)", "ce_source=mongodb://rs0/lessons.inventory",
                "ce_type=com.mongodb.change.insert", #"ce_subject={"_id":{"$numberInt":"1"}}"#, "ce_time=2022-05-06T08:34:39.001Z",
                "content-type=application/json",
            ])
        #expect(record.headers.first == "mongodb.token=\(Self.token)")
        #expect(record.keyText == #"{"_id":{"$numberInt":"1"}}"#)
        #expect(record.valueText == (try event.extendedJSON(.relaxed)))
    }

    @Test func structuredModeHasThemInTheValue() throws {
        let event = SampleEvent.insert(1, id: "a\"b")
        let record = try #require(try records(of: event, .structured).first)
        #expect(attributes(record) == ["content-type=application/cloudevents+json; charset=UTF-8"])
        #expect(
            record.valueText == #"{"specversion":"1.0","id":"\#(Self.token)","source":"mongodb://rs0/lessons.inventory","#
                + #""type":"com.mongodb.change.insert","subject":"{\"_id\":\"a\\\"b\"}","time":"2022-05-06T08:34:39.001Z","#
                + #""datacontenttype":"application/json","data":\#(try event.extendedJSON(.relaxed))}"#)
        _ = try JSONText.parse(record.valueText ?? "")
    }

    @Test(arguments: CloudEventsMode.allCases)
    func anEventWithoutADocumentHasNoSubject(_ mode: CloudEventsMode) throws {
        var event = SampleEvent.invalidate(1)
        event.set("wallTime", .date(milliseconds: .max))
        let record = try #require(try records(of: event, mode).first)
        switch mode {
        case .binary:
            #expect(
                attributes(record).dropFirst(2) == [
                    "ce_source=mongodb://rs0/", "ce_type=com.mongodb.change.invalidate", "content-type=application/json",
                ])
        case .structured:
            #expect(
                record.valueText?.contains(
                    #""source":"mongodb://rs0/","type":"com.mongodb.change.invalidate","datacontenttype":"application/json""#) == true)
        }
    }

    /// All of what a snapshot reads at one time has the same token.
    @Test func documentsOfASnapshotHaveDifferentIDs() throws {
        let record = try records(of: SampleEvent.insert(1, id: "x"), origin: .snapshot(id: "s")).first
        #expect(attributes(record)[1] == #"ce_id=\#(Self.token)/{"_id":"x"}"#)
    }

    @Test func aReplayHasTheIDOfTheFirstTime() throws {
        let event = SampleEvent.insert(1)
        #expect(try attributes(records(of: event, origin: .replay(id: "r")).first) == attributes(records(of: event).first))
    }

    @Test func namesArePercentEncodedInTheSource() throws {
        let event = SampleEvent.insert(1, database: "läden", collection: "a b/%")
        #expect(
            try attributes(records(of: event, replicaSet: "r s").first).contains("ce_source=mongodb://r%20s/l%C3%A4den.a%20b%2F%25"))
        // A sharded cluster has no name.
        let sharded = try records(of: SampleEvent.insert(1), replicaSet: nil).first
        #expect(attributes(sharded).contains("ce_source=mongodb:///lessons.inventory"))
    }

    @Test(arguments: CloudEventsMode.allCases)
    func aTombstoneIsNoCloudEvent(_ mode: CloudEventsMode) throws {
        let records = try records(of: SampleEvent.delete(1), mode)
        #expect(records.map { $0.value == nil } == [false, true])
        #expect(attributes(records.last) == [])
        #expect(records.last?.headers.isEmpty == false)
        #expect(attributes(records.first).isEmpty == false)
    }

    @Test(arguments: ["operationType", "clusterTime", "wallTime", "fullDocument", "ns", "documentKey"])
    func aPipelineMayProjectAnyFieldAway(_ field: String) throws {
        for value in [nil, .int32(1), .string("\"\u{1}"), .array([]), .document([:])] as [BSONValue?] {
            let event = SampleEvent.insert(1) { $0.set(field, value) }
            let record = try #require(try records(of: event, .structured).first)
            _ = try JSONText.parse(record.valueText ?? "")
        }
    }
}
