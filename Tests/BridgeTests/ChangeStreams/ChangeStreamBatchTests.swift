import Mongo
import Testing

@testable import StreamBridge

@Suite struct ChangeStreamBatchTests {
    @Test func holdsEventsTokenAndCount() throws {
        let events = [SampleEvent.insert(1), SampleEvent.delete(2)]
        let batch = try GetMoreReply.batch(GetMoreReply.document(events, token: .sample(5)))
        #expect(batch.count == 2)
        #expect(batch.postBatchToken == .sample(5))
        #expect(batch.byteCount > events.map(\.bytes.count).reduce(0, +))
        let read = try batch.withEvents { bytes, events in
            var events = events
            var read: [BSONDocument] = []
            while let element = try events.next(in: bytes) { read.append(try BSONDocument(copying: bytes.extracting(element.value))) }
            return read
        }
        #expect(read == events)
    }

    @Test func anEmptyBatchStillMovesThePosition() throws {
        let batch = try GetMoreReply.batch(GetMoreReply.document([], token: .sample(5)))
        #expect(batch.count == 0)
        #expect(batch.postBatchToken == .sample(5))
    }

    @Test func aBatchWithoutTokenHasNone() throws {
        #expect(try GetMoreReply.batch(GetMoreReply.document([SampleEvent.insert(1)], token: nil)).postBatchToken == nil)
    }

    @Test(
        arguments: [
            ["ok": 1.0], ["cursor": ["id": .int64(1)]], ["cursor": ["nextBatch": []]], ["cursor": 1],
            ["cursor": ["id": "seven", "nextBatch": []]],
        ] as [BSONDocument])
    func aReplyWithoutABatchIsMalformed(_ reply: BSONDocument) {
        #expect { try GetMoreReply.batch(reply) } throws: { ($0 as? MongoError)?.kind == .malformedReply }
    }

    /// Rule 6: whichever byte of a reply is damaged, it is read or refused.
    @Test func aDamagedReplyIsReadOrRefused() throws {
        let intact = GetMoreReply.document([SampleEvent.insert(1)], token: .sample(5)).bytes
        let publisher = try RecordingPublisher()
        for index in intact.indices.dropFirst(4).dropLast() {
            for damage in [0x00, 0x01, 0x7f, 0xff] as [UInt8] {
                var bytes = intact
                bytes[index] = damage
                guard let reply = try? bytes.withUnsafeBytes({ try BSONDocument(copying: $0) }) else { continue }
                do {
                    let batch = try GetMoreReply.batch(reply)
                    var pump = EventPump(settings: .sample(), publisher: publisher, lookup: nil, after: nil) { try publisher.topic($0) }
                    try pump.publish(ChangeStreamReader.Batch(events: batch, token: batch.postBatchToken))
                } catch {
                    #expect(error is MongoError || error is BSONError || error is Halt, "\(error)")
                }
            }
        }
    }
}
