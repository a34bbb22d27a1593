import Testing

@testable import Kafka
@testable import StreamBridge

@Suite struct StreamMemoryTests {
    @Test(arguments: [64, 128, 256, 512, 1024], [1, 2, 5])
    func staysBelowTheLimitOverAllStreams(mebibytes: Int, streams: Int) {
        let memory = StreamMemory(limit: mebibytes << 20, streams: streams)
        // One batch is with the reader, one with the publisher.
        #expect((2 * memory.batchBytes + memory.handoffBytes + memory.producerBytes) * streams <= mebibytes << 20)
        #expect(memory.batchBytes <= memory.handoffBytes)
    }

    @Test func aTinyLimitStillLetsAStreamMove() {
        let memory = StreamMemory(limit: 1, streams: 10)
        #expect(memory == StreamMemory(limit: 0, streams: 0))
        #expect(memory.batchBytes == 64 << 10)
        #expect(memory.handoffBytes == 256 << 10)
        #expect(memory.producerBytes == 1 << 20)
    }

    @Test func aGenerousLimitIsNotSpentForItsOwnSake() {
        #expect(StreamMemory(limit: 1 << 40, streams: 1) == StreamMemory(limit: 1 << 30, streams: 1))
    }
}
