import Testing

@testable import Kafka
@testable import Mongo
@testable import Runtime
@testable import StreamBridge

@Suite struct RecordBatchTests {
    /// The records of events 1 to 100, through the batch.
    private func fill(_ batch: inout RecordBatch) throws -> [EncodedRecord] {
        let encoder = EventEncoder(.sample())
        for number in 1...100 as ClosedRange<Int32> { try encoder.encode(SampleEvent.insert(number), into: &batch) }
        return batch.copied()
    }

    @Test func isEmptyAgainAfterUseAndHoldsTheSameRecordsAgain() throws {
        var batch = RecordBatch()
        let first = try fill(&batch)
        let memory = batch.bytes.allocatedBytes
        batch.removeAll()
        let empty = (records: batch.copied(), headers: batch.headers.count)
        #expect(empty.records == [])
        #expect(empty.headers == 0)
        #expect(try fill(&batch) == first)
        let memoryNow = batch.bytes.allocatedBytes
        #expect(memoryNow == memory)
    }

    @Test(arguments: [(0, 0, false), (255, 0, false), (256, 0, true), (1, (512 << 10) - 1, false), (1, 512 << 10, true)])
    func isFullByRecordsOrByBytes(records: Int, bytes: Int, _ expected: Bool) {
        var batch = RecordBatch()
        for _ in 0..<records { batch.append(.init(route: 0, headers: 0..<0, timestamp: 0, event: 0)) }
        batch.bytes.append(contentsOf: [UInt8](repeating: 1, count: bytes))
        let isFull = batch.isFull
        #expect(isFull == expected)
    }

    @Test func givesTheMemoryOfALargeRecordBack() {
        var batch = RecordBatch()
        batch.setPlain(key: "k", value: [UInt8](repeating: 1, count: 16 << 20))
        batch.removeAll()
        let memory = batch.bytes.allocatedBytes
        #expect(memory <= 1 << 20)
    }

    @Test func aPlainRecordIsAKeyAndAValueAndNothingElse() {
        var batch = RecordBatch()
        batch.setPlain(key: "inventory", value: Array("{}".utf8))
        batch.setPlain(key: "trucks", value: Array("[]".utf8))
        let records = batch.copied()
        #expect(records == [EncodedRecord(route: 0, key: Array("trucks".utf8), value: Array("[]".utf8), headers: [], timestamp: 0)])
        let text = batch.keyText(of: batch.records[0])
        #expect(text == "trucks")
        let size = batch.size(of: batch.records[0])
        #expect(size == 8)
    }
}
