import CKafka
import Synchronization

/// Sees whether a group member's JoinGroup request is on its way.
///
/// The broker answers one when all members have sent theirs, which takes them up to a heartbeat interval, and it answers the requests of one
/// connection in their order. A commit that is sent behind a JoinGroup is therefore looked at when the next generation has begun, and refused,
/// and librdkafka takes the refusal for the loss of all partitions (`rd_kafka_cgrp_op_handle_OffsetCommit`, ILLEGAL_GENERATION). So no commit
/// is sent meanwhile. There is no event for it; an interceptor sees every request and its response.
///
/// Its client owns it and is destroyed before it, so the pointer that librdkafka keeps is always good.
final class JoinWatch: Sendable {
    /// ApiKey 11 of the Kafka protocol.
    private static let joinGroup: Int16 = 11

    private let pending = Atomic(false)
    private let answered = Atomic(false)

    /// Any thread.
    var isJoining: Bool { pending.load(ordering: .acquiring) }

    /// The broker has answered a JoinGroup.
    var hasJoined: Bool { answered.load(ordering: .acquiring) }

    /// Before the client is made.
    func install(in conf: OpaquePointer) {
        rd_kafka_conf_interceptor_add_on_new(
            conf, "join",
            { client, _, watch, _, _ in
                rd_kafka_interceptor_add_on_request_sent(
                    client, "join",
                    { _, _, _, _, key, _, _, _, watch in
                        JoinWatch.update(watch, key: key, isPending: true)
                        return RD_KAFKA_RESP_ERR_NO_ERROR
                    }, watch)
                return rd_kafka_interceptor_add_on_response_received(
                    client, "join",
                    { _, _, _, _, key, _, _, _, _, _, watch in
                        JoinWatch.update(watch, key: key, isPending: false)
                        return RD_KAFKA_RESP_ERR_NO_ERROR
                    }, watch)
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    private static func update(_ watch: UnsafeMutableRawPointer?, key: Int16, isPending: Bool) {
        guard key == joinGroup, let watch else { return }
        let join = Unmanaged<JoinWatch>.fromOpaque(watch).takeUnretainedValue()
        join.pending.store(isPending, ordering: .releasing)
        if !isPending { join.answered.store(true, ordering: .releasing) }
    }
}
