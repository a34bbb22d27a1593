import Mongo
import Testing

@testable import StreamBridge

@Suite struct StoredPositionTests {
    private static func sample(token: ResumeToken = .sample(1_651_826_079, 3), replicaSet: String? = "rs0", wallTime: Int64? = 5)
        -> StoredPosition
    {
        StoredPosition(
            stream: "inventory", position: StreamPosition(token: token, wallTime: wallTime, events: 4_200_000_000), options: "00aa",
            replicaSet: replicaSet, writer: "host/1", writtenAt: 1_651_826_079_123)
    }

    private func text(_ position: StoredPosition) -> String { String(decoding: position.json, as: UTF8.self) }

    @Test func isWrittenWithTheContractsKeysInTheirOrder() {
        #expect(
            text(Self.sample()) == #"{"version":1,"stream":"inventory","token":{"_data":"826274DD9F000000032B022C0100296E5A1004"},"#
                + #""clusterTime":"1651826079.3","wallTime":5,"events":4200000000,"options":"00aa","replicaSet":"rs0","#
                + #""writer":"host/1","writtenAt":"2022-05-06T08:34:39.123Z"}"#)
    }

    @Test func whatIsNotKnownIsNull() {
        let text = text(Self.sample(replicaSet: nil, wallTime: nil))
        #expect(text.contains(#""wallTime":null"#))
        #expect(text.contains(#""replicaSet":null"#))
    }

    @Test(arguments: [
        sample(), sample(replicaSet: nil, wallTime: nil), sample(token: ResumeToken(data: "00FF")),
        sample(
            token: ResumeToken(document: [
                "_data": "826274DD9F000000032B022C0100296E5A1004", "_typeBits": .binary(subtype: 0, bytes: [0x82, 0, 0xff]),
            ])),
    ])
    func readsWhatItWrote(_ position: StoredPosition) throws {
        #expect(try StoredPosition(json: position.json) == position)
    }

    /// Milliseconds survive, although they travel through a `Date`, which counts seconds as a floating-point number.
    @Test func everyMillisecondIsReadAsItWasWritten() {
        let wrong = ([0, 1, 999, -1] + Array(1_651_826_079_000...1_651_826_079_999) as [Int64]).filter {
            StoredPosition.milliseconds(fromISO8601: StoredPosition.iso8601(milliseconds: $0)) != $0
        }
        #expect(wrong == [])
    }

    @Test(arguments: [
        ("", "JSON"), ("not json", "JSON"), ("[]", "not JSON"), ("{}", "version"), ("{\"version\":\"1\"}", "version"),
        (#"{"version":1}"#, "stream"), (#"{"version":1,"stream":"s"}"#, "token"), (#"{"version":1,"stream":"s","token":"82"}"#, "token"),
        (#"{"version":1,"stream":"s","token":{}}"#, "token"), (#"{"version":1,"stream":"s","token":{"_data":"82"}"#, "JSON"),
        ("\u{0}", "JSON"), (#"{"version":1,"stream":"s","token":{"_data":5}}"#, "hexadecimal"),
        (#"{"version":1,"stream":"s","token":{"_data":"8"}}"#, "hexadecimal"),
        (#"{"version":1,"stream":"s","token":{"_data":"zz"}}"#, "hexadecimal"),
    ])
    func refusesWhatItCannotUnderstandAndSaysWhy(_ text: String, _ reason: String) throws {
        let error = try #require(throws: PositionError.self) { try StoredPosition(json: Array(text.utf8)) }
        #expect("\(error)".contains(reason), "\(error)")
    }

    /// The next event would be counted on from there.
    @Test(arguments: [
        "9223372036854775807", "-1", "-9223372036854775808", "1e300", "1.5", "\"5\"", "{\"$numberDecimal\":\"5\"}", "9007199254740993",
        "true",
    ])
    func refusesACountThatNobodyCanHaveCounted(_ number: String) throws {
        let events = text(Self.sample()).replacing("4200000000", with: number)
        let error = try #require(throws: PositionError.self) { try StoredPosition(json: Array(events.utf8)) }
        #expect("\(error)".contains(#"it has {"events":"#), "\(error)")
        let index = text(Self.sample()).replacing(
            #""options""#, with: #""transaction":{"id":"00000000-0000-0000-0000-000000000001:3","index":\#(number)},"options""#)
        #expect(throws: PositionError.self) { try StoredPosition(json: Array(index.utf8)) }
    }

    @Test func readsTheLargestCount() throws {
        let text = text(Self.sample()).replacing("4200000000", with: "9007199254740992")
        #expect(try StoredPosition(json: Array(text.utf8)).position.events == 9_007_199_254_740_992)
    }

    /// A time that no date has is none; what was written at it is read all the same.
    @Test(arguments: ["999999999999999-01-01T00:00:00.000Z", "-99999-01-01T00:00:00.000Z", "9999-99-99T99:99:99.999Z", ""])
    func readsATimeThatIsNone(_ time: String) throws {
        let text = text(Self.sample()).replacing("2022-05-06T08:34:39.123Z", with: time)
        _ = try StoredPosition(json: Array(text.utf8))
    }

    @Test func refusesAVersionThatItDoesNotKnow() throws {
        let text = text(Self.sample()).replacing(#""version":1"#, with: #""version":2"#)
        let error = try #require(throws: PositionError.self) { try StoredPosition(json: Array(text.utf8)) }
        #expect("\(error)".contains("version is 2"))
    }

    @Test func readsAPositionThatAnotherProgramWroteWithTheEssentialsOnly() throws {
        let position = try StoredPosition(json: Array(#"{ "token": {"_data":"82AA"}, "stream": "s", "version": 1 }"#.utf8))
        #expect(position.position == StreamPosition(token: ResumeToken(data: "82AA"), wallTime: nil, events: 0))
    }

    // MARK: The definition's fingerprint

    @Test func theFingerprintIsTheSameForTheSameDefinition() {
        let hash = StoredPosition.definitionHash(of: .sample())
        #expect(hash.split(separator: "-").map(\.count) == [8, 8, 8, 8, 8])
        #expect(hash.allSatisfy { $0.isHexDigit && !$0.isUppercase || $0 == "-" })
        #expect(hash == StoredPosition.definitionHash(of: .sample()))
    }

    @Test func whatChangedIsNamed() {
        var stored = Self.sample()
        stored.options = StoredPosition.definitionHash(of: .sample())
        #expect(stored.changes(of: .sample()) == nil)
        let cases: [(change: (inout StreamSettings) -> Void, name: String)] = [
            ({ $0.watch = .cluster }, "watch"), ({ $0.pipeline = "[{}]" }, "pipeline"), ({ $0.fullDocument = .required }, "fullDocument"),
            ({ $0.fullDocumentBeforeChange = .required }, "fullDocumentBeforeChange"),
            ({ $0.showExpandedEvents = true }, "showExpandedEvents"),
        ]
        for expected in cases { #expect(stored.changes(of: .sample(expected.change)) == expected.name) }
        let both = StreamSettings.sample {
            $0.showExpandedEvents = true
            $0.pipeline = "[{}]"
        }
        #expect(stored.changes(of: both) == "pipeline and showExpandedEvents")
        // Another program's idea of a definition says nothing about any of them.
        stored.options = "00aa"
        #expect(stored.changes(of: .sample()) == cases.map(\.name).joined(separator: " and "))
    }

    @Test func theFingerprintChangesWithEverythingThatDecidesWhichEventsCome() {
        let changes: [(inout StreamSettings) -> Void] = [
            { _ in },
            { $0.watch = .collection(Namespace(database: "lessons", collection: "trucks")) },
            {
                $0.watch = .collections([
                    Namespace(database: "lessons", collection: "inventory"), Namespace(database: "lessons", collection: "b"),
                ])
            },
            { $0.watch = .database("lessons") },
            { $0.watch = .cluster },
            { $0.pipeline = #"[{"$match":{"operationType":"insert"}}]"# },
            { $0.fullDocument = .default },
            { $0.fullDocument = .required },
            { $0.fullDocumentBeforeChange = .required },
            { $0.showExpandedEvents = true },
        ]
        #expect(Set(changes.map { StoredPosition.definitionHash(of: .sample($0)) }).count == changes.count)
    }

    @Test func theFingerprintIgnoresHowEventsAreWritten() {
        let changed = StreamSettings.sample {
            $0.name = "other"
            $0.format = .bson
            $0.content = .fullDocument
            $0.topic = TextTemplate(segments: [.literal("t")])
            $0.key = .none
            $0.tombstones = true
            $0.startAt = .oldest
        }
        #expect(StoredPosition.definitionHash(of: changed) == StoredPosition.definitionHash(of: .sample()))
    }
}
