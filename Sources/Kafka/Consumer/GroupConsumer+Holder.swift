import CKafka
import Runtime

extension GroupConsumer {
    /// The client id of the member that the group has given a partition to; nil when nobody has it. Blocks.
    ///
    /// With the old call of librdkafka: against a broker without DescribeGroups, such as the mock cluster's,
    /// `rd_kafka_DescribeConsumerGroups` of librdkafka 2.0.2 stops the client's main thread for good, and the
    /// membership with it.
    ///
    /// - Throws: ``KafkaError``, also when the cluster cannot tell.
    package func holder(of partition: Int32, timeout: Duration) throws(KafkaError) -> String? {
        var holder: String?
        try forEachMember(timeout: timeout) { member in
            guard holder == nil, let start = member.member_assignment, member.member_assignment_size > 0 else { return }
            let bytes = UnsafeRawBufferPointer(start: start, count: Int(member.member_assignment_size))
            guard GroupAssignment(Array(bytes))?.partitions[topic]?.contains(partition) ?? false else { return }
            holder = member.client_id.map { String(cString: $0) }
        }
        return holder
    }

    /// The client ids of the group's members, also while it forms.
    ///
    /// - Throws: ``KafkaError``, also when the cluster cannot tell.
    package func members(timeout: Duration) throws(KafkaError) -> [String] {
        var members: [String] = []
        try forEachMember(timeout: timeout) { member in
            if let client = member.client_id { members.append(String(cString: client)) }
        }
        return members
    }

    private func forEachMember(timeout: Duration, _ body: (rd_kafka_group_member_info) -> Void) throws(KafkaError) {
        let operation = "look at the members of group \(group)"
        var found: UnsafePointer<rd_kafka_group_list>?
        let code = rd_kafka_list_groups(client.handle, group, &found, timeout.milliseconds)
        defer { if let found { rd_kafka_group_list_destroy(found) } }
        // One of several brokers did not answer; the group's coordinator may have.
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR__PARTIAL, let found else {
            throw KafkaError(code, operation: operation)
        }
        for index in 0..<Int(found.pointee.group_cnt) {
            let info = found.pointee.groups[index]
            guard info.err == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(info.err, operation: operation) }
            for index in 0..<Int(info.member_cnt) { body(info.members[index]) }
        }
    }
}
