import Testing

@testable import Mongo
@testable import Runtime
@testable import StreamBridge

@Suite struct LookedUpDocumentsTests {
    private static let inventory = Namespace(database: "lessons", collection: "inventory")

    private func update(id: BSONValue, _ changes: (inout BSONDocument) -> Void = { _ in }) -> BSONDocument {
        SampleEvent.insert(1, id: id) {
            $0.set("operationType", "update")
            $0.set("fullDocument", nil)
            changes(&$0)
        }
    }

    /// What a query of this collection found.
    private func found(_ documents: [BSONDocument], in namespace: Namespace = inventory) throws -> LookedUpDocuments {
        var bytes: [UInt8] = []
        var places: [Range<Int>] = []
        var reply: BSONDocument = [:]
        for document in documents { reply.append("", .document(document)) }
        bytes = reply.bytes
        let span = bytes.span.bytes
        var cursor = try BSONCursor(document: span)
        while let element = try cursor.next(in: span) { places.append(element.value) }
        var found = LookedUpDocuments()
        found.add(GetMoreReply.reply(reply), places, namespace: namespace)
        return found
    }

    private func splice(_ event: BSONDocument, with documents: LookedUpDocuments) throws -> BSONDocument? {
        let bytes = event.bytes
        let span = bytes.span.bytes
        var buffer = OutputBuffer(capacity: 64)
        guard try documents.splice(ChangeEvent(of: span, at: 0), of: span, into: &buffer) else { return nil }
        return try buffer.withUnsafeBytes { try BSONDocument(copying: $0) }
    }

    @Test func anUpdateGetsItsDocumentBeforeItsNamespaceAsTheServerWouldWriteIt() throws {
        let documents: [BSONDocument] = [["_id": 1, "type": "apple"], ["_id": 2, "type": "pear"]]
        for (index, document) in documents.enumerated() {
            let spliced = try #require(try splice(update(id: .int32(Int32(index + 1))), with: found(documents)))
            #expect(spliced.keys == ["_id", "operationType", "clusterTime", "wallTime", "fullDocument", "ns", "documentKey"])
            #expect(spliced["fullDocument"]?.documentValue == document)
        }
    }

    @Test func aDocumentThatIsGoneIsNull() throws {
        #expect(try splice(update(id: 3), with: found([["_id": 1]]))?["fullDocument"] == .null)
    }

    @Test(arguments: [.int64(1), .double(1), .decimal128(BSONDecimal128(high: 0x303E << 48, low: 10))] as [BSONValue])
    func aNumberNamesTheDocumentWhicheverTypeHoldsIt(_ id: BSONValue) throws {
        let document: BSONDocument = ["_id": .int32(1), "type": "apple"]
        #expect(try splice(update(id: id), with: found([document]))?["fullDocument"]?.documentValue == document)
        #expect(try splice(update(id: ["shop": id]), with: found([["_id": ["shop": 1]]]))?["fullDocument"] == ["_id": ["shop": 1]])
        #expect(try splice(update(id: id), with: found([["_id": "1"]]))?["fullDocument"] == .null)
    }

    @Test func aDocumentOfAnotherCollectionIsNotMeant() throws {
        let others = try found([["_id": 1]], in: Namespace(database: "lessons", collection: "trucks"))
        #expect(try splice(update(id: 1), with: others)?["fullDocument"] == .null)
    }

    /// Two names that people read alike are two collections.
    @Test func aCollectionIsMeantToTheByte() throws {
        let event = update(id: 1) { $0.set("ns", ["db": "lessons", "coll": "caf\u{E9}"]) }
        for (name, isFound) in [("caf\u{E9}", true), ("cafe\u{301}", false)] {
            let documents = try found([["_id": 1]], in: Namespace(database: "lessons", collection: name))
            #expect((try splice(event, with: documents)?["fullDocument"] == ["_id": 1]) == isFound)
        }
    }

    @Test(arguments: [
        SampleEvent.insert(1), SampleEvent.delete(1), SampleEvent.drop(1),
        SampleEvent.insert(1) { $0.set("operationType", "update") },
        SampleEvent.insert(1) { $0.set("operationType", "replace") },
    ])
    func anyOtherEventNeedsNone(_ event: BSONDocument) throws {
        #expect(try splice(event, with: found([["_id": 1]])) == nil)
    }

    @Test(arguments: ["ns", "documentKey"])
    func anUpdateWithoutItsNamespaceOrKeyIsLeftAsItIs(_ field: String) throws {
        let event = update(id: 1) { $0.set(field, nil) }
        #expect(try splice(event, with: found([["_id": 1]])) == nil)
    }
}
