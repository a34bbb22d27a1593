import CKafka
import Logging
import Runtime
import Synchronization

/// A member of a consumer group on one topic. Its records come through ``RecordQueue``s, everything else through
/// ``poll(timeout:)``.
///
/// The owner keeps polling: that keeps the membership. Any thread may wake it.
package final class GroupConsumer: Sendable {
    package enum Event {
        /// Partitions came; call ``assign(_:)``.
        case assigned([Int32])
        /// Partitions go; call ``unassign(_:)`` when their work is done. `isLost`: another member may have them
        /// already.
        case revoked([Int32], isLost: Bool)
        /// Offsets were committed.
        case committed
        /// Offsets that were not committed.
        case commitFailed(KafkaError)
        /// No broker can be reached now; the client continues trying.
        case unreachable(KafkaError)
        /// The broker refuses something.
        case failed(KafkaError)
        case nothing
    }

    package let topic: String
    package let group: String
    package let client: KafkaClient
    private let logger: Logger
    /// What is committed with a partition's offset.
    private let metadata = Mutex<@Sendable (Int32) -> String?>({ _ in nil })
    /// The newest error of a connection: the reason behind "all brokers are down".
    private let lastProblem = Mutex<KafkaError?>(nil)
    private let wasAssigned = Atomic(false)
    /// Partitions that stay with a member are not given up while others move (KIP-429).
    private let isCooperative: Bool

    /// - Throws: ``KafkaError`` when a property is refused.
    package init(topic: String, properties: [String: String], logger: Logger) throws(KafkaError) {
        self.topic = topic
        group = properties["group.id"] ?? ""
        self.logger = logger
        isCooperative = properties["partition.assignment.strategy"] == "cooperative-sticky"
        client = try KafkaClient(role: .groupMember, properties: properties)
    }

    /// - Parameter metadata: what is committed with a partition's offset.
    package func commits(with metadata: @escaping @Sendable (Int32) -> String?) { self.metadata.withLock { $0 = metadata } }

    private func list(of offsets: [Int32: Int64]) -> PartitionList {
        let metadata = metadata.withLock { $0 }
        return PartitionList(topic: topic, offsets: offsets.mapValues { $0 }, metadata: metadata)
    }

    /// Joins the group.
    package func subscribe() throws(KafkaError) {
        let list = PartitionList(topic: topic, partitions: [Int32(RD_KAFKA_PARTITION_UA)])
        let code = rd_kafka_subscribe(client.handle, list.pointer)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(code, operation: "subscribe to topic \(topic)") }
    }

    /// The next event within `timeout`.
    package func poll(timeout: Duration) -> Event {
        guard let event = client.poll(timeout: timeout) else { return .nothing }
        return take(event)
    }

    private func take(_ event: borrowing KafkaEvent) -> Event {
        switch event.type {
        case RD_KAFKA_EVENT_REBALANCE:
            let partitions = Self.partitions(of: event)
            guard rd_kafka_event_error(event.pointer) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS else {
                return .revoked(partitions, isLost: rd_kafka_assignment_lost(client.handle) != 0)
            }
            wasAssigned.store(true, ordering: .releasing)
            return .assigned(partitions)
        case RD_KAFKA_EVENT_OFFSET_COMMIT:
            let code = rd_kafka_event_error(event.pointer)
            guard code != RD_KAFKA_RESP_ERR_NO_ERROR, code != RD_KAFKA_RESP_ERR__NO_OFFSET else { return .committed }
            return .commitFailed(KafkaError(code, operation: "commit offsets of topic \(topic)"))
        case RD_KAFKA_EVENT_ERROR: return error(event.error(operation: "read topic \(topic)"))
        case RD_KAFKA_EVENT_LOG: event.log(to: logger)
        default: break
        }
        return .nothing
    }

    private func error(_ error: KafkaError) -> Event {
        if error.code == .allBrokersDown { return .unreachable(lastProblem.withLock { $0 } ?? error) }
        // Single connections come and go.
        if error.matches(.transport, .resolve, .ssl, .authentication) {
            lastProblem.withLock { $0 = error }
            return .nothing
        }
        return .failed(error)
    }

    private static func partitions(of event: borrowing KafkaEvent) -> [Int32] {
        guard let list = rd_kafka_event_topic_partition_list(event.pointer) else { return [] }
        return (0..<Int(list.pointee.cnt)).map { list.pointee.elems[$0].partition }
    }

    /// The committed offsets of partitions; nil where there is none.
    package func committed(_ partitions: [Int32], timeout: Duration) throws(KafkaError) -> [Int32: CommittedOffset?] {
        let operation = "read the committed offsets of topic \(topic)"
        let list = PartitionList(topic: topic, partitions: partitions)
        let code = rd_kafka_committed(client.handle, list.pointer, timeout.milliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(code, operation: operation) }
        var offsets: [Int32: CommittedOffset?] = [:]
        for entry in list.entries() {
            guard entry.error == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(entry.error, operation: operation) }
            offsets[entry.partition] = .some(
                entry.offset >= 0 ? CommittedOffset(offset: entry.offset, metadata: entry.metadata) : nil)
        }
        return offsets
    }

    /// The offset after the last record of a partition, as the newest fetch told it; nil before the first fetch. Asks
    /// nobody.
    package func end(of partition: Int32) -> Int64? {
        var (low, high): (Int64, Int64) = (-1, -1)
        let code = rd_kafka_get_watermark_offsets(client.handle, topic, partition, &low, &high)
        return code == RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0 ? high : nil
    }

    /// Begins to fetch partitions that were assigned, each at its offset, or at its first record where it has none.
    package func assign(_ offsets: [Int32: Int64?]) throws(KafkaError) {
        let list = PartitionList(topic: topic, offsets: offsets.mapValues { $0 ?? Int64(RD_KAFKA_OFFSET_BEGINNING) })
        // A pause outlasts the assignment that it was made in.
        _ = rd_kafka_resume_partitions(client.handle, list.pointer)
        let operation = "take over partitions of topic \(topic)"
        guard isCooperative else {
            let code = rd_kafka_assign(client.handle, list.pointer)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(code, operation: operation) }
            return
        }
        if let error = rd_kafka_incremental_assign(client.handle, list.pointer) { throw KafkaError(stealing: error, operation: operation) }
    }

    /// Stops fetching partitions; records of theirs that lie in a queue are not handed out any more.
    package func pause(_ partitions: [Int32]) {
        let list = PartitionList(topic: topic, partitions: partitions)
        _ = rd_kafka_pause_partitions(client.handle, list.pointer)
    }

    /// Gives partitions up that were revoked.
    package func unassign(_ partitions: [Int32]) throws(KafkaError) {
        let operation = "give up partitions of topic \(topic)"
        guard isCooperative else {
            let code = rd_kafka_assign(client.handle, nil)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(code, operation: operation) }
            return
        }
        let list = PartitionList(topic: topic, partitions: partitions)
        if let error = rd_kafka_incremental_unassign(client.handle, list.pointer) {
            throw KafkaError(stealing: error, operation: operation)
        }
    }

    /// When the group was asked for the assignment that came last.
    package var lastSync: ContinuousClock.Instant { client.membership?.lastSync ?? .now }

    /// A time when the group had heard of this member; nil before the first.
    package var lastSign: ContinuousClock.Instant? { client.membership?.lastSign }

    /// A rebalance has begun and its next generation has not: a commit would be refused, and the partitions given up
    /// for lost.
    package var isJoining: Bool { client.membership?.isJoining ?? false }

    /// Commits offsets and does not wait: what fails comes as ``Event/commitFailed(_:)``. Any thread.
    package func commit(_ offsets: [Int32: Int64]) {
        let list = list(of: offsets)
        // `rd_kafka_commit` tells its result to a callback only.
        _ = rd_kafka_commit_queue(client.handle, list.pointer, client.queue, nil, nil)
    }

    /// Commits offsets and waits for it.
    ///
    /// - Throws: ``KafkaError``, also when no answer came within `timeout`.
    package func commit(_ offsets: [Int32: Int64], timeout: Duration) throws(KafkaError) {
        let operation = "commit offsets of topic \(topic)"
        let list = list(of: offsets)
        guard let answers = rd_kafka_queue_new(client.handle) else { return }
        defer { rd_kafka_queue_destroy(answers) }
        let sent = rd_kafka_commit_queue(client.handle, list.pointer, answers, nil, nil)
        guard sent == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(sent, operation: operation) }
        guard let answer = rd_kafka_queue_poll(answers, timeout.milliseconds).map({ KafkaEvent(stealing: $0) }) else {
            throw KafkaError.timedOut(operation: operation)
        }
        let code = rd_kafka_event_error(answer.pointer)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR__NO_OFFSET else {
            throw KafkaError(code, operation: operation)
        }
    }

    /// This client's membership of the group at this moment; nil while it has none.
    ///
    /// A broker accepts offsets from a client that says it is no member, without a look at who owns the partitions
    /// (GroupCoordinator, `validateOffsetCommit`), and that is what librdkafka says between a lost membership and the
    /// next one. So what it says is used only when it was a member's before and after: an id is never given twice.
    package func membership() -> Membership? {
        guard let before = memberID, let metadata = rd_kafka_consumer_group_metadata(client.handle) else { return nil }
        let membership = Membership(stealing: metadata)
        return memberID == before ? membership : nil
    }

    /// The id that the group gave this member; nil while it has none.
    private var memberID: String? {
        guard let id = rd_kafka_memberid(client.handle) else { return nil }
        defer { rd_kafka_mem_free(client.handle, id) }
        return id.pointee == 0 ? nil : String(cString: id)
    }

    /// A member and its generation of the group.
    package final class Membership {
        fileprivate let metadata: OpaquePointer

        fileprivate init(stealing metadata: OpaquePointer) { self.metadata = metadata }

        deinit { rd_kafka_consumer_group_metadata_destroy(metadata) }
    }

    /// Makes offsets part of a producer's open transaction. The broker refuses them from any but the newest generation.
    ///
    /// - Throws: ``KafkaError``.
    package func send(_ offsets: [Int32: Int64], as membership: Membership, inTransactionOf producer: KafkaClient, timeout: Duration)
        throws(KafkaError)
    {
        let list = list(of: offsets)
        if let error = rd_kafka_send_offsets_to_transaction(producer.handle, list.pointer, membership.metadata, timeout.milliseconds) {
            throw KafkaError(stealingFromTransaction: error, operation: "commit offsets of topic \(topic) in a transaction")
        }
    }

    /// This member has joined and does not know yet what it is assigned. A librdkafka before 2.3 aborts the process
    /// when a member that uses the cooperative-sticky strategy goes then for the first time
    /// (confluentinc/librdkafka#4381), so that is waited for.
    private var awaitsFirstAssignment: Bool {
        isCooperative && (client.membership?.hasJoined ?? false) && !wasAssigned.load(ordering: .acquiring)
    }

    /// Answers whatever the group asks within `time`: takes no partition, gives up every one.
    private func standAside(for time: Duration) {
        let end = ContinuousClock.now + time
        repeat {
            // Nothing is there at a wake-up, too.
            guard let event = client.poll(timeout: max(.zero, end - .now)) else { continue }
            switch take(event) {
            case .assigned: try? assign([:])
            case .revoked(let partitions, _): try? unassign(partitions)
            default: break
            }
        } while .now < end
    }

    /// Leaves the group, so that the others need not wait for a timeout; gives up when it takes too long.
    ///
    /// Nothing that the group asked before may be without its answer: librdkafka 2.0.2 takes none afterwards where no
    /// partition is assigned, and never ends.
    package func leave(until deadline: ContinuousClock.Instant) {
        repeat { standAside(for: .milliseconds(10)) } while awaitsFirstAssignment && .now < deadline
        if let error = rd_kafka_consumer_close_queue(client.handle, client.queue) { rd_kafka_error_destroy(error) }
        while rd_kafka_consumer_closed(client.handle) == 0, .now < deadline { standAside(for: .milliseconds(20)) }
    }

    /// Ends a blocked ``poll(timeout:)``. Any thread.
    package func wake() { client.wake() }
}
