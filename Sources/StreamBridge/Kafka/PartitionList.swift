import CKafka

/// Owner of a list of partitions of one topic, with an offset each where one matters.
struct PartitionList: ~Copyable {
    let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    /// - Parameter offsets: by partition; nil where there is none.
    init(topic: String, offsets: [Int32: Int64?]) {
        pointer = rd_kafka_topic_partition_list_new(Int32(offsets.count))
        for (partition, offset) in offsets.sorted(by: { $0.key < $1.key }) {
            rd_kafka_topic_partition_list_add(pointer, topic, partition).pointee.offset = offset ?? Int64(RD_KAFKA_OFFSET_INVALID)
        }
    }

    init(topic: String, partitions: [Int32]) {
        self.init(topic: topic, offsets: Dictionary(uniqueKeysWithValues: Set(partitions).map { ($0, nil) }))
    }

    deinit { rd_kafka_topic_partition_list_destroy(pointer) }

    /// Each partition with its offset and what was wrong with it.
    func entries() -> [(partition: Int32, offset: Int64, error: rd_kafka_resp_err_t)] {
        (0..<Int(pointer.pointee.cnt)).map { index in
            let entry = pointer.pointee.elems[index]
            return (entry.partition, entry.offset, entry.err)
        }
    }
}
