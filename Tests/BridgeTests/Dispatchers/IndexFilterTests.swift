import Mongo
import Testing

@testable import StreamBridge

/// What a partial index's filter proves.
@Suite struct IndexFilterTests {
    @Test(
        arguments: [
            (["status": "active"], true), (["status": ["$eq": "active"]], true), (["status": "active", "a": 1], true),
            (["$and": [["a": 1], ["status": "active"]]], true), (["$or": [["status": "active", "a": 1], ["status": "active"]]], true),
            ([:], false), (["status": "completed"], false), (["status": ["$in": ["active", "done"]]], false),
            (["status": ["$gte": "active"]], false), (["status": ["$exists": true]], false), (["$or": []], false),
            (["$or": [["status": "active"], ["a": 1]]], false), (["status": ["a": "active"]], false),
        ] as [(BSONDocument, Bool)])
    func whatTakesActiveOnesOnly(_ filter: BSONDocument, isSo: Bool) {
        #expect(IndexFilter(filter).takesActiveOnly == isSo)
    }

    /// Of a document with the fields `status` and `mine`.
    @Test(
        arguments: [
            ([:], true), (["status": "active"], true), (["status": "other"], false), (["status": ["$in": ["other", "active"]]], true),
            (["status": ["$in": ["other"]]], false), (["status": ["$gt": "a"]], true), (["mine": 7], true), (["mine.inner": 7], true),
            (["theirs": 7], false), (["theirs": ["$exists": true]], false), (["theirs.inner": ["$gt": 1]], false),
            (["theirs": .null], true), (["theirs": ["$lte": .null]], true), (["theirs": ["$gte": .minKey]], true),
            (["theirs": ["$in": [1, .null]]], true), (["theirs": ["$type": "null"]], false), (["theirs": ["$new": 1]], true),
            (["theirs": 7, "status": "active"], false), (["$and": [["mine": 1], ["theirs": 7]]], false),
            (["$or": [["mine": 1], ["theirs": 7]]], true), (["$or": [["status": "other"], ["theirs": 7]]], false),
        ] as [(BSONDocument, Bool)])
    func whatMayTakeADocument(_ filter: BSONDocument, isSo: Bool) {
        #expect(IndexFilter(filter).mayTake(documentsWith: ["status", "mine"], status: "active") == isSo)
    }
}
