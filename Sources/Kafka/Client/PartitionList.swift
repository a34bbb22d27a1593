import CKafka
import Foundation

/// Owner of a list of partitions of one topic, with an offset each where one matters.
struct PartitionList: ~Copyable {
    let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    /// - Parameters:
    ///   - offsets: by partition; nil where there is none.
    ///   - metadata: what is stored with a partition's offset.
    init(topic: String, offsets: [Int32: Int64?], metadata: (Int32) -> String? = { _ in nil }) {
        pointer = rd_kafka_topic_partition_list_new(Int32(offsets.count))
        for (partition, offset) in offsets.sorted(by: { $0.key < $1.key }) {
            let entry: UnsafeMutablePointer<rd_kafka_topic_partition_t> = rd_kafka_topic_partition_list_add(pointer, topic, partition)
            entry.pointee.offset = offset ?? Int64(RD_KAFKA_OFFSET_INVALID)
            // The list frees it.
            guard let text = metadata(partition), let copy = strdup(text) else { continue }
            entry.pointee.metadata = UnsafeMutableRawPointer(copy)
            entry.pointee.metadata_size = text.utf8.count
        }
    }

    init(topic: String, partitions: [Int32]) {
        self.init(topic: topic, offsets: Dictionary(uniqueKeysWithValues: Set(partitions).map { ($0, nil) }))
    }

    deinit { rd_kafka_topic_partition_list_destroy(pointer) }

    /// Each partition with its offset, what is stored with that, and what was wrong with it.
    func entries() -> [(partition: Int32, offset: Int64, metadata: String?, error: rd_kafka_resp_err_t)] {
        (0..<Int(pointer.pointee.cnt)).map { index in
            let entry = pointer.pointee.elems[index]
            let metadata = entry.metadata.map {
                String(decoding: UnsafeRawBufferPointer(start: $0, count: entry.metadata_size), as: UTF8.self)
            }
            return (entry.partition, entry.offset, metadata, entry.err)
        }
    }
}

/// Where a group stands in a partition.
package struct CommittedOffset: Sendable, Equatable {
    package let offset: Int64
    /// What was stored with it.
    package var metadata: String?
}
