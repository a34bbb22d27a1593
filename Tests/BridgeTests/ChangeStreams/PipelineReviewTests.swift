import Testing

@testable import StreamBridge

@Suite struct PipelineReviewTests {
    private static func remarks(_ pipeline: String, _ change: (inout StreamSettings) -> Void = { _ in }) -> [StreamRemark] {
        PipelineReview.remarks(
            on: .sample {
                $0.pipeline = pipeline
                change(&$0)
            })
    }

    @Test(arguments: [
        #"[{"$project":{"_id":0}}]"#, #"[{"$project":{"_id":false,"ns":1}}]"#, #"[{"$project":{"_id._data":1}}]"#,
        #"[{"$project":{"_id":"$documentKey"}}]"#, #"[{"$unset":"_id"}]"#, #"[{"$unset":["ns","_id._data"]}]"#,
        #"[{"$set":{"_id":"x"}}]"#, #"[{"$addFields":{"_id.more":1}}]"#, #"[{"$replaceRoot":{"newRoot":"$fullDocument"}}]"#,
        #"[{"$replaceWith":"$fullDocument"}]"#, #"[{"$replaceWith":{"n":"$fullDocument.n"}}]"#,
        #"[{"$match":{"operationType":"insert"}},{"$project":{"_id":0}}]"#,
    ])
    func aPipelineThatTakesTheTokenAwayIsAFault(_ pipeline: String) throws {
        let faults = Self.remarks(pipeline).filter(\.isFault)
        let fault = try #require(faults.first)
        #expect(fault.text.contains("resume token"))
        #expect(fault.remedy.contains("content: fullDocument"))
    }

    @Test(arguments: [
        "[]", #"[{"$match":{"operationType":"insert","fullDocument.n":{"$gt":1},"ns.coll":"a"}}]"#,
        #"[{"$project":{"fullDocument.secret":0}}]"#,
        #"[{"$project":{"_id":1,"operationType":1,"ns":1,"documentKey":1,"fullDocument":1}}]"#,
        #"[{"$unset":"updateDescription"}]"#, #"[{"$set":{"fullDocument.n":1}}]"#,
        #"[{"$addFields":{"seen":true}},{"$match":{"seen":true}}]"#,
        #"[{"$replaceRoot":{"newRoot":{"$mergeObjects":["$$ROOT",{"a":1}]}}}]"#, #"[{"$replaceWith":"$$ROOT"}]"#,
        #"[{"$match":{"$or":[{"operationType":"insert"},{"$expr":{"$eq":["$ns.coll","a"]}}]}}]"#,
        #"[{"$changeStreamSplitLargeEvent":{}}]"#, #"[{"$redact":"$$KEEP"}]"#, "no JSON",
    ])
    func whatLeavesEventsWholeIsNotRemarkedUpon(_ pipeline: String) { #expect(Self.remarks(pipeline).isEmpty) }

    @Test(arguments: [
        (#"[{"$match":{"quantity":{"$lt":5}}}]"#, "`quantity`", "`fullDocument.quantity`"),
        (#"[{"$match":{"$and":[{"operationType":"insert"},{"$or":[{"a.b":1}]}]}}]"#, "`a.b`", "`fullDocument.a.b`"),
        (#"[{"$project":{"fullDocument":0}},{"$match":{"fullDocument.n":1}}]"#, "behind the stages before it", "before"),
    ])
    func aConditionOnWhatNoEventHasIsTold(_ pipeline: String, _ words: String, _ remedy: String) throws {
        let remark = try #require(Self.remarks(pipeline).first)
        #expect(!remark.isFault && remark.text.contains(words) && remark.remedy.contains(remedy), "\(remark)")
    }

    @Test func whatTheRecordsMissIsTold() {
        let onlyDocuments = #"[{"$project":{"fullDocument":1}}]"#
        func texts(_ change: (inout StreamSettings) -> Void = { _ in }) -> [String] { Self.remarks(onlyDocuments, change).map(\.text) }
        #expect(texts().contains { $0.contains("no `documentKey`") && $0.contains("no key") })
        #expect(texts().contains { $0.contains("no `operationType`") })
        #expect(texts().contains { $0.contains("no `ns`") })
        #expect(Self.remarks(#"[{"$project":{"_id":1}}]"#).map(\.text).contains { $0.contains("no `documentKey`") })
        #expect(!texts { $0.key = .none }.contains { $0.contains("documentKey") })
        #expect(texts { $0.tombstones = true }.contains { $0.contains("no tombstone is written") })
        #expect(texts { $0.fullDocument = .batchedLookup }.contains { $0.contains("no document is looked up") })
        #expect(texts { $0.key = .field(["updateDescription", "a"]) }.contains { $0.contains("`updateDescription.a`") })
        #expect(
            Self.remarks(#"[{"$unset":"fullDocument"}]"#) { $0.content = .fullDocument }.map(\.text).contains {
                $0.contains("all values are null")
            })
    }
}
