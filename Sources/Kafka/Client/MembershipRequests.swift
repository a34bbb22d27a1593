import CKafka
import Synchronization

/// Sees the requests of a group member that no event reports.
///
/// **Whether a JoinGroup is on its way.** The broker answers one when all members have sent theirs, which takes them up
/// to a heartbeat interval, and it answers the requests of one connection in their order. A commit that is sent behind
/// a JoinGroup is therefore looked at when the next generation has begun, and refused, and librdkafka takes the refusal
/// for the loss of all partitions (`rd_kafka_cgrp_op_handle_OffsetCommit`, ILLEGAL_GENERATION). So no commit is sent
/// meanwhile.
///
/// **When the group has heard of this member.** The response to a heartbeat may say that the member was given up, and
/// the interceptor does not see what it says. But then librdkafka sends no other heartbeat before it has joined again
/// or its user has given the partitions up. So when one is sent, the one before was taken well, and the group had heard
/// of the member when that was sent, or later.
final class MembershipRequests: RequestObserver {
    /// ApiKeys of the Kafka protocol.
    private enum Key {
        static let joinGroup: Int16 = 11
        static let heartbeat: Int16 = 12
        static let syncGroup: Int16 = 14
    }

    private let pending = Atomic(false)
    private let joined = Atomic(false)
    private let start = ContinuousClock.now
    /// Nanoseconds after `start` of the last SyncGroup or heartbeat, and whether its response has come.
    private let sentAt = Atomic<Int64>(0)
    private let isAnswered = Atomic(false)
    private let heardAt = Atomic<Int64>(0)
    /// When the last SyncGroup was sent that was answered.
    private let syncedAt = Atomic<Int64>(0)

    /// Any thread.
    var isJoining: Bool { pending.load(ordering: .acquiring) }

    /// The broker has answered a JoinGroup.
    var hasJoined: Bool { joined.load(ordering: .acquiring) }

    /// A time when the group had heard of this member; nil before the first. Any thread.
    var lastSign: ContinuousClock.Instant? {
        let time = heardAt.load(ordering: .acquiring)
        return time == 0 ? nil : start + .nanoseconds(time)
    }

    /// When the group was asked for the assignment that came last.
    var lastSync: ContinuousClock.Instant { start + .nanoseconds(syncedAt.load(ordering: .acquiring)) }

    func sent(_ key: Int16) {
        switch key {
        case Key.joinGroup: pending.store(true, ordering: .releasing)
        case Key.heartbeat, Key.syncGroup:
            if key == Key.heartbeat, isAnswered.load(ordering: .acquiring) {
                heardAt.store(sentAt.load(ordering: .relaxed), ordering: .releasing)
            }
            isAnswered.store(false, ordering: .releasing)
            sentAt.store(Int64(start.duration(to: .now) / .nanoseconds(1)), ordering: .relaxed)
        default: break
        }
    }

    func answered(_ key: Int16, _ error: rd_kafka_resp_err_t) {
        switch key {
        case Key.joinGroup:
            pending.store(false, ordering: .releasing)
            joined.store(true, ordering: .releasing)
        case Key.heartbeat, Key.syncGroup:
            guard error == RD_KAFKA_RESP_ERR_NO_ERROR else { return }
            isAnswered.store(true, ordering: .releasing)
            if key == Key.syncGroup { syncedAt.store(sentAt.load(ordering: .relaxed), ordering: .releasing) }
        default: break
        }
    }
}
