import Mongo
import Testing

@testable import StreamBridge

@Suite struct LostPositionTests {
    private static let hour: UInt32 = 3600
    private static let time: UInt32 = 1_651_826_079

    private func lost(
        _ code: MongoError.Code = 286, token: ResumeToken = .sample(time), oldest: UInt32 = time + 2 * hour,
        newest: UInt32 = time + 4 * hour, changed: String? = nil
    ) throws -> LostPosition {
        let error = MongoError(kind: .server(code: code), operation: "read the change stream", message: "the server's sentence")
        return try #require(
            LostPosition(StreamPosition(token: token, wallTime: nil, events: 7), error: error, changed: changed) {
                OplogWindow(
                    oldest: BSONTimestamp(seconds: oldest, increment: 3), newest: BSONTimestamp(seconds: newest, increment: 1),
                    isWhole: false)
            })
    }

    private func remedy(_ lost: LostPosition) -> String { lost.remedy(stream: "inventory", gaps: "bridge.lessons.gaps") }

    @Test func aForgottenPositionSaysHowMuchIsMissingAndTheExactWords() throws {
        let lost = try lost()
        #expect(
            lost.reason
                == "could not read the change stream: the server's sentence (server code 286). The stored position is at cluster time "
                + "1651826079.1 (2022-05-06T08:34:39Z), token \(lost.position.token.data ?? ""); the oldest entry of the oplog is at "
                + "1651833279.3 (2022-05-06T10:34:39Z), and what happened in the 120 min between is missing")
        for words in [
            "`bridge positions set inventory oldest`", "`onLostPosition: oldest`", "topic bridge.lessons.gaps",
            "`startAt: {clusterTime: \"1651833279.3\"}`",
            "db.adminCommand({replSetResizeOplog: 1, size: MEGABYTES})",
        ] { #expect(remedy(lost).contains(words), "\(remedy(lost))") }
        #expect(lost.halt(stream: "inventory", gaps: "g").status == .lostPosition)
    }

    @Test func aRefusedPositionWithinTheOplogMissesNothingYet() throws {
        let lost = try lost(280, oldest: Self.time - Self.hour)
        #expect(lost.reason.hasSuffix(" 60 min before the position, so nothing is missing yet"), "\(lost.reason)")
        #expect(remedy(lost).contains("the pipeline hides its event or changes its _id"))
        #expect(remedy(lost).contains("`startAt: {clusterTime: \"1651826079.1\"}`"))
    }

    @Test func whatChangedSinceThePositionIsTheLikelyCauseOfItsRefusal() throws {
        let refused = try lost(280, oldest: Self.time - Self.hour, changed: "pipeline and fullDocument")
        #expect(
            remedy(refused).hasPrefix(
                "The stream's pipeline and fullDocument changed since the position was stored, and that is the likely cause"))
        #expect(remedy(refused).contains("`onLostPosition: oldest`"))
        // What the oplog has forgotten, no pipeline brings back.
        #expect(!remedy(try lost(286, changed: "pipeline")).contains("pipeline"))
    }

    @Test func aPositionOfTheFutureNamesTheDeploymentsTime() throws {
        let lost = try lost(260, oldest: Self.time - 2 * Self.hour, newest: Self.time - Self.hour)
        #expect(
            lost.reason.hasSuffix("the newest time of the deployment is 1651822479.1 (2022-05-06T07:34:39Z), 60 min before the position"))
        #expect(remedy(lost).contains("Check that mongodb.uri names the deployment"))
        #expect(remedy(lost).contains("restored from an older backup"))
    }

    @Test func whatIsNoTokenIsToldAsSuch() throws {
        let lost = try lost(50811, token: ResumeToken(data: "nonsense"))
        #expect(lost.reason.contains("The stored position is token nonsense; the oldest entry of the oplog is at 1651833279.3"))
        #expect(remedy(lost).contains("no resume token of MongoDB"))
    }

    @Test func anOplogThatCannotBeSeenIsNotGuessed() throws {
        let error = MongoError(kind: .server(code: 286), operation: "o", message: "m")
        let lost = try #require(LostPosition(.sample(Self.time, events: 1), error: error, changed: nil) { throw OplogWindow.Hidden() })
        #expect(lost.reason.hasSuffix("; how far back the oplog goes cannot be told: a sharded cluster does not show its oplogs"))
        #expect(remedy(lost).contains("`startAt: {clusterTime: \"1651826079.1\"}`"))
    }

    @Test func otherErrorsLoseNoPosition() {
        func isLost(_ code: MongoError.Code, _ token: ResumeToken) -> Bool {
            let error = MongoError(kind: .server(code: code), operation: "o", message: "m")
            return LostPosition(StreamPosition(token: token, wallTime: nil, events: 0), error: error, changed: nil) {
                throw OplogWindow.Hidden()
            }
                != nil
        }
        let mark = ResumeToken(data: "826274D31F000000012B0229296E04")
        #expect(mark.isHighWaterMark)
        #expect(!ResumeToken.sample(Self.time).isHighWaterMark)
        #expect(!ResumeToken(data: "8262").isHighWaterMark)
        for code in [13, 10334, 6, 47] as [MongoError.Code] { #expect(!isLost(code, .sample(Self.time))) }
        for code in [286, 280, 260, 50811] as [MongoError.Code] { #expect(isLost(code, .sample(Self.time))) }
        // The pipeline breaks the tokens of events; a mark has none.
        #expect(!isLost(280, mark))
        #expect(isLost(286, mark))
    }

    @Test func theOldestPlaceIsNotBeforeThePosition() throws {
        func place(oldest: UInt32, newest: UInt32) throws -> BSONTimestamp {
            let lost = try lost(280, oldest: oldest, newest: newest)
            return lost.oldestPlace(in: try lost.oplog.get())
        }
        let time = Self.time
        #expect(try place(oldest: time + 5, newest: time + 9) == BSONTimestamp(seconds: time + 5, increment: 3))
        #expect(try place(oldest: time - 5, newest: time + 9) == BSONTimestamp(seconds: time, increment: 1))
        // Of another time than this deployment's: as far back as can be.
        #expect(try place(oldest: time - 9, newest: time - 5) == BSONTimestamp(seconds: time - 9, increment: 3))
    }

    @Test func aGapRecordSaysWhatTheContractPromises() throws {
        let lost = try lost()
        let record = GapRecord(
            past: lost,
            to: .init(token: .sample(Self.time + 7200, 3), clusterTime: BSONTimestamp(seconds: Self.time + 7200, increment: 3)),
            at: 1_651_840_000_123)
        #expect(
            String(decoding: record.json(stream: "inventory"), as: UTF8.self)
                == #"{"stream":"inventory","from":{"token":{"_data":"\#(ResumeToken.sample(Self.time).data ?? "")"},"#
                + #""clusterTime":"1651826079.1"},"to":{"token":{"_data":"\#(ResumeToken.sample(Self.time + 7200, 3).data ?? "")"},"#
                + #""clusterTime":"1651833279.3"},"reason":"could not read the change stream: the server's sentence (server code 286)","#
                + #""code":286,"at":"2022-05-06T12:26:40.123Z"}"#)
    }
}
