import Mongo
import Runtime

extension Exposition {
    /// All figures of a bridge.
    init(of report: BridgeReport) {
        add(.info, [Sample(labels: [report.name, BridgeVersion.current, Instance.name], 1)])
        add(.ready, [Sample(report.obstacles.isEmpty)])
        add(.healthy, [Sample(report.ailments.isEmpty)])
        add(
            .serverReachable,
            [
                Sample(labels: [LoopCondition.Server.mongodb.rawValue], report.mongoDB.isReachable),
                Sample(labels: [LoopCondition.Server.kafka.rawValue], report.kafka.isReachable),
            ])
        add(.elections, [Sample(report.elections)])
        add(.logLinesLost, [Sample(report.lostLogLines)])
        add(.poolClients, report.pools.map { Sample(labels: [$0.name], $0.clients) })
        add(.poolLimit, report.pools.map { Sample(labels: [$0.name], $0.limit) })
        addStreams(report.streams.map { ($0.settings.name, $0.snapshot) })
        addDispatchers(report.dispatchers.map { ($0.settings.name, $0.snapshot) })
        addProcess(startedAt: report.startedAt)
    }

    private mutating func addStreams(_ streams: [(name: String, snapshot: StreamStatus.Snapshot)]) {
        func each(_ value: (StreamStatus.Snapshot) -> Int?) -> [Sample] {
            streams.compactMap { name, snapshot in value(snapshot).map { Sample(labels: [name], $0) } }
        }
        func durations(_ value: (StreamStatus.Snapshot) -> Duration?) -> [Sample] {
            streams.compactMap { name, snapshot in value(snapshot).map { Sample(labels: [name], $0.seconds) } }
        }
        func distributions(_ value: (StreamFigures) -> Distribution) -> [(labels: [String], distribution: Distribution)] {
            streams.map { ([$0.name], value($0.snapshot.figures)) }
        }
        func operations(_ value: (OperationCounts, ChangeOperation) -> Int) -> [Sample] {
            streams.flatMap { name, snapshot in
                let counts = snapshot.figures.operations
                return ChangeOperation.allCases.filter { Self.frequent.contains($0) || counts.events($0) > 0 }
                    .map { Sample(labels: [name, $0.name], value(counts, $0)) }
            }
        }
        add(.streamState, Self.states(streams.map { ($0.name, $0.snapshot.condition) }))
        add(.streamLeader, streams.map { Sample(labels: [$0.name], $0.snapshot.isLeader) })
        add(.streamLag, durations(\.lag))
        add(.streamPositionAge, durations(\.positionAge))
        add(.streamOplogWindow, durations(\.oplogLength))
        add(.streamEvents, operations { $0.events($1) })
        add(.streamEventBytes, operations { $0.bytes($1) })
        add(.streamRecords, each(\.recordsPublished))
        add(.streamPositions, each(\.positionsStored))
        add(.streamGaps, each(\.gaps))
        add(.streamTakeovers, each(\.figures.takeovers))
        add(.streamRetries, Self.retries(streams.map { ($0.name, $0.snapshot.condition) }))
        add(.streamHalts, each(\.condition.halts))
        add(.streamBatchEvents, distributions(\.batchEvents))
        add(.streamTransactionRecords, distributions(\.transactionRecords))
        add(.streamCommits, distributions(\.commitTimes))
        add(.streamQueueEvents, each { $0.load?.events ?? 0 })
        add(.streamQueueBytes, each { $0.load?.bytes ?? 0 })
        add(.streamQueueLimit, each(\.load?.limitBytes))
        add(.streamUnacknowledged, each { $0.load?.unacknowledged ?? 0 })
        add(.snapshotDocuments, each(\.documentsPublished))
        add(.snapshotRemaining, each { Int($0.documentSnapshot?.remaining ?? 0) })
        add(.snapshotRunning, streams.map { Sample(labels: [$0.name], $0.snapshot.documentSnapshot?.isRunning ?? false) })
    }

    /// Told from the start, so that a rate over them begins with the first one.
    private static let frequent: Set<ChangeOperation> = [.insert, .update, .replace, .delete]

    private mutating func addDispatchers(_ dispatchers: [(name: String, snapshot: DispatchStatus.Snapshot)]) {
        func each(_ value: (DispatchStatus.Snapshot) -> Int?) -> [Sample] {
            dispatchers.compactMap { name, snapshot in value(snapshot).map { Sample(labels: [name], $0) } }
        }
        func distributions(_ value: (DispatchFigures) -> Distribution) -> [(labels: [String], distribution: Distribution)] {
            dispatchers.map { ([$0.name], value($0.snapshot.figures)) }
        }
        add(.dispatcherState, Self.states(dispatchers.map { ($0.name, $0.snapshot.condition) }))
        add(.dispatcherPartitions, each(\.partitions))
        add(.dispatcherLag, each(\.load?.lagRecords))
        add(
            .dispatcherOutcomes,
            dispatchers.flatMap { name, snapshot in
                Outcome.Status.allCases.map { Sample(labels: [name, $0.rawValue], snapshot.outcomes[$0.rawValue] ?? 0) }
            })
        add(.dispatcherDeadLetters, each(\.deadLetters))
        add(.dispatcherReassignments, each(\.reassignAttempts))
        add(.dispatcherFree, each(\.load?.freeResources))
        add(.dispatcherRetries, Self.retries(dispatchers.map { ($0.name, $0.snapshot.condition) }))
        add(.dispatcherHalts, each(\.condition.halts))
        add(.dispatcherBatchCommands, distributions(\.batchCommands))
        add(.dispatcherCommits, distributions(\.commitTimes))
    }

    private static func states(_ loops: [(name: String, condition: LoopCondition)]) -> [Sample] {
        loops.flatMap { name, condition in
            LoopCondition.State.allCases.map { Sample(labels: [name, $0.rawValue], $0 == condition.state) }
        }
    }

    private static func retries(_ loops: [(name: String, condition: LoopCondition)]) -> [Sample] {
        loops.flatMap { name, condition in
            RetryClass.allCases.map { Sample(labels: [name, $0.rawValue], condition.retries[$0] ?? 0) }
        }
    }

    private mutating func addProcess(startedAt: Int64) {
        let process = ProcessFigures()
        func sample(_ value: Int?) -> [Sample] { value.map { [Sample($0)] } ?? [] }
        add(.processStart, [Sample(Double(startedAt) / 1000)])
        add(.processCPU, [Sample(process.cpuSeconds)])
        add(.processMemory, sample(process.residentBytes))
        add(.processOpenFiles, sample(process.openFiles))
        add(.processMaxFiles, sample(process.maxFiles))
    }
}
