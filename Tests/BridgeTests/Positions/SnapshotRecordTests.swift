import Mongo
import Testing

@testable import StreamBridge

@Suite struct SnapshotRecordTests {
    private static let trucks = Namespace(database: "lessons", collection: "trucks")

    /// Every value that a collection takes as an `_id`.
    private static func ids() throws -> [BSONValue] {
        try (SampleValues.numbers() + SampleValues.others()).filter { value in
            switch value {
            // The server refuses them.
            case .regularExpression, .undefined: false
            default: true
            }
        }
    }

    /// A collection's index has one place for both, and they have one type. (Several bits stand for the same decimal,
    /// or for no number.)
    private static func isSame(_ one: BSONValue, _ other: BSONValue?) -> Bool {
        guard let other else { return false }
        return BSONIdentity(one) == BSONIdentity(other) && one.type == other.type
    }

    @Test func isWrittenWithTheContractsKeysInTheirOrder() {
        #expect(
            String(decoding: SnapshotRecord.sample().json, as: UTF8.self) == #"{"version":1,"snapshot":"20260131T000000-a3f1","#
                + #""stream":"inventory","state":"running","reason":null,"by":"ann@desk","why":"consumer lost its state","topic":"again","#
                + #""filter":"{}","collections":[{"ns":"lessons.inventory","state":"done","documents":1000,"estimated":1000,"#
                + #""filter":"{\"quantity\":{\"$gt\":0}}"},{"ns":"lessons.trucks","state":"running","documents":200,"estimated":400,"#
                + #""uuid":"0001abff","after":"{\"$numberInt\":\"17\"}"}],"documents":1200,"startedAt":"2026-01-31T00:00:00.000Z","#
                + #""endedAt":null}"#)
    }

    @Test(arguments: SnapshotRecord.State.allCases, SnapshotRecord.Part.State.allCases)
    func readsWhatItWrote(_ state: SnapshotRecord.State, _ part: SnapshotRecord.Part.State) {
        let record = SnapshotRecord.sample {
            $0.state = state
            $0.reason = "because"
            $0.endedAt = 1_769_817_600_123
            $0.parts[1].state = part
        }
        #expect(SnapshotRecord(json: record.json) == record)
        let plain = SnapshotRecord(id: "a", stream: "s", by: "ann@desk")
        #expect(SnapshotRecord(json: plain.json) == plain)
    }

    @Test func everyKindOfIdentifierKeepsItsTypeInTheLedger() throws {
        for id in try Self.ids() {
            let read = SnapshotRecord(json: SnapshotRecord.sample(after: id).json)
            #expect(Self.isSame(id, read?.parts[1].after?.value), "\(id)")
        }
    }

    @Test func everyKindOfIdentifierKeepsItsTypeInThePosition() throws {
        for id in try Self.ids() {
            let read = try Self.position(after: DocumentID(id)).snapshot
            #expect(Self.isSame(id, read?.after?.value), "\(id)")
            #expect(read?.id == "a" && read?.namespace == Self.trucks && read?.documents == 12)
        }
    }

    /// A null is the `_id` of a document.
    @Test func beforeTheFirstDocumentThereIsNoIdentifier() throws {
        let read = try Self.position(after: nil).snapshot
        #expect(read == SnapshotProgress(id: "a", namespace: Self.trucks, after: nil, documents: 12))
    }

    /// Written and read again.
    private static func position(after id: DocumentID?) throws -> StreamPosition {
        var stored = StoredPosition(
            stream: "inventory", position: .sample(5, events: 7), options: "00aa", replicaSet: "rs0", writer: "host/1", writtenAt: 0)
        stored.position.snapshot = SnapshotProgress(id: "a", namespace: trucks, after: id, documents: 12)
        return try StoredPosition(json: stored.json).position
    }

    @Test(arguments: [
        "", "not json", "{}", #"{"version":2,"snapshot":"a","stream":"s","state":"done","startedAt":"2026-01-31T00:00:00.000Z"}"#,
    ])
    func whatNoBridgeWroteIsNone(_ text: String) { #expect(SnapshotRecord(json: Array(text.utf8)) == nil) }

    @Test func thePositionSaysHowFarItIs() {
        let progress = SnapshotProgress(id: "20260131T000000-a3f1", namespace: Self.trucks, after: DocumentID(30), documents: 1330)
        let merged = SnapshotRecord.sample { $0.parts[0].state = .running }.merging(progress)
        #expect(merged.parts.map(\.state) == [.done, .running])
        #expect(merged.parts.map(\.documents) == [1000, 330])
        #expect(merged.parts[1].after == DocumentID(30))
        #expect(merged.remaining == 70)
        // It says nothing of another one, or of one that does not run.
        #expect(SnapshotRecord.sample().merging(SnapshotProgress(id: "b", namespace: Self.trucks, after: nil, documents: 9)) == .sample())
        let stopped = SnapshotRecord.sample { $0.state = .stopped }
        #expect(stopped.merging(progress) == stopped)
    }

    // MARK: The report

    @Test func othersTakeTheAverageSinceTheBeginning() {
        let record = SnapshotRecord.sample()
        let report = SnapshotReport(record, now: record.startedAt + 4000)
        #expect(report.rate == 300)
        #expect(report.secondsLeft == 0.667)
        let document = report.document
        #expect(document["estimated"] == .int64(1400))
        #expect(document["rate"] == 300.0)
        #expect(document["snapshot"] == "20260131T000000-a3f1")
        #expect(report.json.hasSuffix(#""endedAt":null,"estimated":1400,"rate":300.0,"etaSeconds":0.667}"#))
    }

    @Test func whatIsNotKnownIsNull() {
        let start = SnapshotRecord.sample().startedAt
        for state in [SnapshotRecord.State.stopped, .done, .failed] {
            let ended = SnapshotReport(.sample { $0.state = state }, now: start + 4000)
            #expect(ended.document["rate"] == .null && ended.document["etaSeconds"] == .null)
        }
        // Nobody has listed its collections yet.
        let waiting = SnapshotReport(.sample { $0.parts = [] }, now: start)
        #expect(waiting.document["rate"] == 0.0 && waiting.document["etaSeconds"] == .null)
    }

    @Test func aRunningOneThatReadsNothingSaysWhatItWaitsFor() {
        var figures = SnapshotFigures(.sample())
        figures.waitsFor = "the stream is 7 s behind"
        #expect(SnapshotReport(figures, at: .now).document["reason"] == "the stream is 7 s behind")
        figures.record = figures.record.failed(because: "the disk is full")
        #expect(SnapshotReport(figures, at: .now).document["reason"] == "the disk is full")
    }

    /// Both writers write the same object.
    @Test func theStatusHasTheFieldsOfTheReport() throws {
        let report = BridgeReport.sample()
        let streams = try BSONDocument(extendedJSON: StatusDocument(report).json)["streams"]?.arrayValue
        let shown = try #require(streams?.first?.documentValue?["snapshot"]?.documentValue)
        let expected = try BSONDocument(extendedJSON: SnapshotReport(.sample, at: report.at).json)
        #expect(Set(shown.keys) == Set(expected.keys))
        for key in expected.keys where key != "collections" && key != "rate" { #expect(shown[key] == expected[key], "\(key)") }
        #expect(shown["collections"]?.arrayValue?.last?.documentValue?["after"] == #"{"$numberInt":"17"}"#)
    }
}
