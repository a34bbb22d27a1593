import Testing

@testable import Kafka
@testable import StreamBridge

@Suite struct KafkaCheckTests {
    private static func topic(_ replicas: Int) -> KafkaAdmin.TopicDescription {
        KafkaAdmin.TopicDescription(name: "bridge.b.positions", partitions: 2, replicationFactor: replicas)
    }

    @Test func anOwnTopicThatOneBrokerOfSeveralHasIsWarnedOf() {
        let found = KafkaCheck.finding(on: Self.topic(1), isOwn: true, brokers: [1, 2, 7, 9])
        #expect(found.level == .warning)
        #expect(
            found.text == "2 partitions, replication factor 1: one of 4 brokers has it, and what is in it is lost with that broker")
        let plan =
            #"{"version":1,"partitions":[{"topic":"bridge.b.positions","partition":0,"replicas":[1,2,7]},"#
            + #"{"topic":"bridge.b.positions","partition":1,"replicas":[2,7,9]}]}"#
        #expect(
            found.remedy == "Give it more replicas: kafka-reassign-partitions --execute --reassignment-json-file <(echo '\(plan)')")
        let two = KafkaCheck.finding(on: Self.topic(1), isOwn: true, brokers: [4, 5])
        #expect(two.remedy?.contains(#""replicas":[5,4]"#) == true)
    }

    @Test func noOtherTopicIsWarnedOf() {
        for (replicas, isOwn, brokers) in [(1, true, [1]), (2, true, [1, 2, 3]), (1, false, [1, 2, 3])] as [(Int, Bool, [Int32])] {
            #expect(KafkaCheck.finding(on: Self.topic(replicas), isOwn: isOwn, brokers: brokers).level == .ok)
        }
    }
}
