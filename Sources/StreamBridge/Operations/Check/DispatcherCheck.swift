import Kafka
import Logging
import Mongo
import Runtime

/// Looks at what one dispatcher needs on both sides, and changes nothing.
struct DispatcherCheck {
    private let settings: DispatcherSettings
    private let bridge: String
    private let timeout: Duration
    private let subject: String

    init(settings: DispatcherSettings, bridge: String, timeout: Duration) {
        self.settings = settings
        self.bridge = bridge
        self.timeout = timeout
        subject = "dispatcher \(settings.name)"
    }

    // MARK: Kafka

    /// Where the group stands among the commands.
    ///
    /// - Throws: ``KafkaError`` for what is no matter of this dispatcher.
    func findings(admin: KafkaAdmin, kafka: KafkaSettings, logger: Logger) throws(KafkaError) -> [Finding] {
        // What is wrong with the topic is told by itself.
        guard let topic = try? admin.topic(settings.commands, timeout: timeout) else { return [] }
        let group = GroupName.of(settings.name, of: bridge)
        let partitions = Array(0..<Int32(topic.partitions))
        let committed: [Int32: CommittedOffset?]
        do {
            committed = try GroupOffsets(of: group, topic: settings.commands, kafka: kafka, timeout: timeout, logger: logger)
                .committed(partitions)
        } catch {
            guard case .halt = StreamFailure(kafka: error) else { throw error }
            return [
                .error(
                    .kafkaGroupRights, subject, "\(error)",
                    remedy: KafkaNeed.remedy(granting: "Read on group \(group), and on topic \(settings.commands)"))
            ]
        }
        var waiting: Int64 = 0
        var fresh: [Int32] = []
        var findings: [Finding] = []
        for partition in partitions {
            let offsets = try admin.watermarks(topic: settings.commands, partition: partition, timeout: timeout)
            guard let offset = committed[partition].flatMap({ $0?.offset }) else {
                fresh.append(partition)
                waiting += offsets.upperBound - offsets.lowerBound
                continue
            }
            guard offset >= offsets.lowerBound, offset <= offsets.upperBound else {
                let reason =
                    "group \(group) committed offset \(offset) of \(settings.commands)/\(partition), which has "
                    + "\(offsets.lowerBound) to \(offsets.upperBound)"
                findings.append(
                    .halt(
                        .dispatcherOffsetLost, subject, .lostOffset(of: settings, bridge: bridge, kafka: kafka, reason: reason)))
                continue
            }
            waiting += offsets.upperBound - offset
        }
        if findings.isEmpty, let halt = try replaced(committed, admin, kafka) {
            findings.append(.halt(.dispatcherTopicReplaced, subject, halt))
        }
        guard findings.isEmpty else { return findings }
        let lag = "\(waiting) command\(waiting == 1 ? "" : "s") waiting"
        let start =
            switch fresh.count {
            case 0: ""
            case partitions.count: "; no committed offsets yet: begins at the first record"
            default:
                "; no committed offsets yet of partitions \(fresh.map { "\($0)" }.joined(separator: ", ")): begins there at the first record"
            }
        return [.ok(.dispatcherCommands, subject, "group \(group): \(lag)\(start)")]
    }

    /// What halts a dispatcher whose topic was deleted and created again.
    private func replaced(
        _ committed: [Int32: CommittedOffset?], _ admin: KafkaAdmin, _ kafka: KafkaSettings
    ) throws(KafkaError) -> Halt? {
        let (topic, timeout) = (settings.commands, timeout)
        let continuity = CommandContinuity(of: settings, bridge: bridge, kafka: kafka, requests: RequestCounts(), stop: StopSignal()) {
            (try? admin.settings(ofTopic: topic, timeout: timeout))?["cleanup.policy"].map { $0.contains("compact") }
        }
        do {
            try continuity.begin(committed)
            return nil
        } catch let error as KafkaError {
            throw error
        } catch {
            return error as? Halt
        }
    }

    // MARK: MongoDB

    func findings(pool: MongoClientPool, deployment: Deployment, privileges: AccountPrivileges) -> [Finding] {
        do throws(MongoError) {
            return try pool.withClient { client throws(MongoError) in documents(client, deployment, privileges) }
        } catch {
            return [
                .error(.dispatcherUnavailable, subject, "\(error)", remedy: "Try again when the server is well", status: .unreachable)
            ]
        }
    }

    /// The index that guards the resources, and the resources.
    private func documents(_ client: borrowing MongoClient, _ deployment: Deployment, _ privileges: AccountPrivileges) -> [Finding] {
        var findings: [Finding] = []
        do {
            var index = GuardIndex(kind: .partial, field: settings.resource.field, names: [])
            let collection = try GuardedCollection.look(at: settings, isCluster: deployment.isSharded, of: client)
            do {
                index = try collection.guardIndex(for: settings)
                findings.append(.ok(.dispatcherIndex, subject, Self.sentence(on: index)))
            } catch let missing as GuardIndex.Missing {
                findings.append(try finding(missing, client, privileges))
            } catch let wait as WaitsFor {
                findings.append(.warning(.dispatcherIndexIsBuilt, subject, "\(wait)", remedy: "Wait; db.currentOp() says how far it is"))
            }
            findings += collection.warnings(for: settings).map { .warning($0.id, subject, $0.text, remedy: $0.remedy) }
            findings.append(try resources(guardedBy: index, client, deployment))
        } catch let halt as Halt {
            findings.append(.halt(.dispatcherHalts, subject, halt))
        } catch let error as MongoError {
            switch DispatchFailure(mongoDB: error, dispatcher: settings) {
            case .halt(let halt): findings.append(.halt(.dispatcherHalts, subject, halt))
            case .retry, .restart:
                findings.append(
                    .error(.dispatcherUnavailable, subject, "\(error)", remedy: "Try again when the server is well", status: .unreachable))
            }
        } catch {
            findings.append(.halt(.dispatcherHalts, subject, .unexpected(error)))
        }
        return findings
    }

    private static func sentence(on index: GuardIndex) -> String {
        let names = index.names.joined(separator: ", ")
        return switch index.kind {
        case .partial: "unique index \(names) guards \(index.field) of active documents"
        case .plain: "unique index \(names) guards \(index.field) of all documents, active or not"
        }
    }

    private func finding(_ missing: GuardIndex.Missing, _ client: borrowing MongoClient, _ privileges: AccountPrivileges) throws -> Finding
    {
        if let resource = try shared(client) {
            return .error(
                .dispatcherIndexDuplicates, subject,
                "\(missing), and it cannot be made: several active documents have the \(settings.resource.field) \(resource)",
                remedy: "End all but one of them, then run: \(missing.command)")
        }
        if !privileges.missing(["createIndex"], on: .collection(settings.collection)).isEmpty {
            return .error(
                .dispatcherIndexRights, subject, "\(missing), and the account may not make it", remedy: missing.remedyForMissingRights)
        }
        guard missing.nearby.isEmpty else {
            return .warning(
                .dispatcherIndexNearby, subject, "\(missing). It will be made beside them: \(missing.command)",
                remedy: "If unintended, fix the index above first"
            )
        }
        return .ok(.dispatcherIndexWillBeMade, subject, "\(missing); it will be made: \(missing.command)")
    }

    /// A resource that several active documents hold. Nil also when the server takes too long to look.
    private func shared(_ client: borrowing MongoClient) throws(MongoError) -> Resource? {
        let pipeline: [BSONValue] = [
            ["$match": ["status": "active", settings.resource.field: ["$gte": .minKey]]],
            ["$group": ["_id": .string("$" + settings.resource.field), "count": ["$sum": 1]]],
            ["$match": ["count": ["$gt": 1]]], ["$limit": 1],
        ]
        do throws(MongoError) {
            let reply = try client.command(
                [
                    "aggregate": .string(settings.collection.collection), "pipeline": .array(pipeline), "cursor": [:], "allowDiskUse": true,
                    "maxTimeMS": .int64(Int64(timeout.milliseconds)),
                ], on: settings.collection.database, operation: "look for a resource that several active documents have")
            let first = reply["cursor"]?.documentValue?["firstBatch"]?.arrayValue?.first?.documentValue
            return first?["_id"].map { Resource($0) }
        } catch {
            if error.code == .maxTimeMSExpired { return nil }
            throw error
        }
    }

    private func resources(guardedBy index: GuardIndex, _ client: borrowing MongoClient, _ deployment: Deployment) throws -> Finding {
        guard let pool = settings.resource.pool else {
            return .ok(.dispatcherNoPool, subject, "without a pool a conflict is answered, never reassigned")
        }
        let resources = ResourcePool(
            pool: pool, dispatcher: settings, guardIndex: index, readsSnapshots: deployment.readsSnapshots)
        do { try PoolNames(pool: resources).check(of: client) } catch let unclear as PoolNames.Unclear {
            return .halt(.dispatcherPoolUnclear, subject, unclear.halt)
        }
        let members = try resources.members(after: nil, of: client)
        guard !members.isEmpty else {
            return .warning(
                .dispatcherPoolEmpty, subject, "the pool \(pool) is empty, so every command is rejected",
                remedy:
                    "Insert a document for each \(settings.resource.label.lowercased()), its _id the value of \(settings.resource.field)")
        }
        return .ok(.dispatcherPool, subject, "pool \(pool): \(members.count) resources, \(members.count { !$0.isBusy }) of them free")
    }
}
