import Kafka
import Runtime

/// Every code of Kafka and of librdkafka that the bridge knows, for streams and dispatchers alike.
enum KafkaFailures {
    private typealias Row = FailureTable<KafkaError.Code>.Row

    static let table = FailureTable(transient + halts)

    /// Connections, elections, brokers that start or stop, a topic that is being created again, a session's own end: a
    /// new session helps.
    private static let transient: [Row] = [
        Row([.transport, .resolve, .ssl, .allBrokersDown, .networkException, .brokerNotAvailable], .retry(.network)),
        Row([.timedOut, .timedOutQueue, .msgTimedOut, .requestTimedOut], .retry(.timeout)),
        Row([.authentication, .nodeUpdate, .unknownBroker], .retry(.kafka)),
        Row(
            [
                .leaderNotAvailable, .notLeaderForPartition, .preferredLeaderNotAvailable, .eligibleLeadersNotAvailable,
                .fencedLeaderEpoch, .notController,
            ], .retry(.election)),
        Row(
            [
                .replicaNotAvailable, .unknownLeaderEpoch, .listenerNotFound, .offsetNotAvailable, .staleCtrlEpoch, .staleBrokerEpoch,
                .reassignmentInProgress, .operationNotAttempted,
            ], .retry(.kafka)),
        Row([.notEnoughReplicas, .notEnoughReplicasAfterAppend, .isrInsuff], .retry(.kafka)),
        Row([.coordinatorLoadInProgress, .coordinatorNotAvailable, .notCoordinator], .retry(.election)),
        Row([.concurrentTransactions, .transactionCoordinatorFenced, .unstableOffsetCommit, .waitCoord, .waitCache], .retry(.kafka)),
        Row([.producerFenced, .invalidProducerEpoch, .fenced], .retry(.fenced)),
        // A broker that checks whether a partition belongs to the transaction says so of one that it has given up
        // meanwhile.
        Row([.invalidProducerIdMapping, .invalidTxnState], .retry(.kafka)),
        Row(
            [
                .outOfOrderSequenceNumber, .duplicateSequenceNumber, .unknownProducerId, .gaplessGuarantee, .inconsistent, .fatal,
            ], .retry(.kafka)),
        // The next session looks at the topic again, and creates it or halts.
        Row([.unknownTopicOrPart, .unknownTopic, .unknownPartition], .retry(.kafka)),
        Row([.kafkaStorageError, .logDirNotFound, .invalidMsg, .badMsg], .retry(.kafka)),
        Row([.illegalGeneration, .unknownMemberId, .assignmentLost], .retry(.fenced)),
        Row([.rebalanceInProgress, .memberIdRequired, .maxPollExceeded], .retry(.kafka)),
        Row(
            [
                .queueFull, .retry, .inProgress, .prevInProgress, .state, .outdated, .purgeQueue, .purgeInflight, .destroy,
                .critSysResource, .noOffset, .fetchSessionIdNotFound, .invalidFetchSessionEpoch, .throttlingQuotaExceeded, .unknown,
            ], .retry(.kafka)),
        Row([.offsetOutOfRange, .autoOffsetReset], .retry(.kafka)),
    ]

    /// A new session would be refused again.
    private static let halts: [Row] = [
        halt([.msgSizeTooLarge], sizeRemedy),
        halt([.recordListTooLarge], sizeRemedy),
        halt(
            [.topicAuthorizationFailed],
            KafkaNeed.remedy(granting: "Describe, Write (Read where it reads) and, with topics.create, Create on the topic")),
        halt([.clusterAuthorizationFailed], KafkaNeed.remedy(granting: "IdempotentWrite on the cluster and, with topics.create, Create")),
        halt([.groupAuthorizationFailed], KafkaNeed.remedy(granting: "Read on the bridge's groups, bridge.<name>.*")),
        halt(
            [.transactionalIdAuthorizationFailed],
            KafkaNeed.remedy(granting: "Describe and Write on the bridge's transactional ids, bridge.<name>.*")
                + ". Or use delivery: at-least-once"),
        halt([.invalidTransactionTimeout], transactionTimeoutRemedy),
        halt([.invalidSessionTimeout], sessionTimeoutRemedy),
        halt(
            [.topicException],
            "Choose another topic name: Kafka takes letters, digits, `.`, `_` and `-`, at most 249 of them, and no name that "
                + "differs from another topic's in `.` and `_` alone"),
        halt([.invalidArg, .invalidConfig], "Check kafka and topics in the configuration"),
        halt(
            [.invalidPartitions, .invalidReplicationFactor, .invalidReplicaAssignment, .policyViolation],
            "Set topics.partitions and topics.replicationFactor to what the cluster allows (brokers before Kafka 2.4 want a "
                + "replicationFactor), or create the topic yourself"),
        halt(
            [.unsupportedForMessageFormat, .invalidRequiredAcks, .unsupportedCompressionType, .unsupportedVersion, .unsupportedFeature],
            "The broker or the topic is too old for idempotent producing: Kafka 0.11 or later is needed"),
        halt(
            [.invalidRecord],
            "The broker refuses such records by the topic's settings: cleanup.policy=compact wants a key, which events such as "
                + "drop and invalidate have not; leave them out with the stage {$match: {operationType: {$in: [insert, update, replace,"
                + " delete]}}}"),
        halt(
            [.invalidTimestamp],
            "Raise the topic's message.timestamp.before.max.ms (or after.max.ms): a record has the cluster time of its event, and"
                + " the topic bounds how far that may be from now"),
    ]

    private static func halt(_ codes: [KafkaError.Code], _ remedy: String) -> Row { Row(codes, .halt(remedy: remedy)) }

    private static let sizeRemedy = "Raise kafka.message.max.bytes and the topic's max.message.bytes"
    static let transactionTimeoutRemedy = "Set kafka.producer.transaction.timeout.ms to at most transaction.max.timeout.ms of the brokers"
    static let sessionTimeoutRemedy =
        "Set kafka.consumer.session.timeout.ms to what the brokers allow: group.min.session.timeout.ms to group.max.session.timeout.ms"
}
