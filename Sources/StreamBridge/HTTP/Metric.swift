/// A metric that `/metrics` tells: its name, what it is, and its labels. The table of docs/HTTP.md has the same ones.
struct Metric: Sendable {
    enum Kind: String, Sendable {
        case gauge, counter, histogram
    }

    let name: String
    let kind: Kind
    /// One sentence, without a full stop.
    let help: String
    let labels: [String]

    private init(_ name: String, _ kind: Kind, labels: [String] = [], _ help: String) {
        self.name = name
        self.kind = kind
        self.labels = labels
        self.help = help
    }
}

// MARK: The bridge

extension Metric {
    static let info = Metric("bridge_info", .gauge, labels: ["name", "version", "instance"], "Always 1")
    static let ready = Metric("bridge_ready", .gauge, "1 when both servers can be reached and nothing is halted")
    static let healthy = Metric("bridge_healthy", .gauge, "1 when every loop makes progress")
    static let serverReachable = Metric("bridge_server_reachable", .gauge, labels: ["server"], "1 when the last request was answered")
    static let elections = Metric("bridge_mongodb_elections_total", .counter, "Changes of the primary that the driver saw")
    static let logLinesLost = Metric("bridge_log_lines_lost_total", .counter, "Lines of the log that could not be written")
    static let poolClients = Metric("bridge_mongodb_pool_clients", .gauge, labels: ["pool"], "Clients of the connection pool in use")
    static let poolLimit = Metric("bridge_mongodb_pool_limit_clients", .gauge, labels: ["pool"], "The most clients of the pool that may be")
}

// MARK: Streams

extension Metric {
    private static func stream(_ name: String, _ kind: Kind, labels: [String] = [], _ help: String) -> Metric {
        Metric("bridge_stream_\(name)", kind, labels: ["stream"] + labels, help)
    }

    static let streamState = stream("state", .gauge, labels: ["state"], "1 for the state that the stream is in, 0 for the others")
    static let streamLeader = stream("leader", .gauge, "1 when this process publishes the stream")
    static let streamLag = stream("lag_seconds", .gauge, "How far what Kafka has stored is behind the deployment's newest cluster time")
    static let streamPositionAge = stream(
        "position_age_seconds", .gauge, "How far the stored position is behind the deployment's newest cluster time")
    static let streamOplogWindow = stream("oplog_window_seconds", .gauge, "How far back the oplog goes")
    static let streamEvents = stream("events_total", .counter, labels: ["operation"], "Events read")
    static let streamEventBytes = stream("event_bytes_total", .counter, labels: ["operation"], "Bytes of BSON of the events read")
    static let streamRecords = stream("records_total", .counter, "Records that Kafka has stored")
    static let streamPositions = stream("positions_stored_total", .counter, "Positions that Kafka has stored")
    static let streamGaps = stream("gaps_total", .counter, "Lost positions that the stream went on past")
    static let streamTakeovers = stream("takeovers_total", .counter, "How often this process became the leader")
    static let streamRetries = stream("retries_total", .counter, labels: ["class"], "Attempts that failed and were made again")
    static let streamHalts = stream("halts_total", .counter, "Halts")
    static let streamBatchEvents = stream("batch_events", .histogram, "Events in a batch of the change stream that had any")
    static let streamTransactionRecords = stream("transaction_records", .histogram, "Records in a Kafka transaction (exactly-once)")
    static let streamCommits = stream(
        "commit_seconds", .histogram,
        "From the start of a commit to its end (exactly-once), or from producing a position to its acknowledgement")
    static let streamQueueEvents = stream("queue_events", .gauge, "Events read and not yet handed to Kafka's client")
    static let streamQueueBytes = stream("queue_bytes", .gauge, "Bytes of BSON of the events in the queue")
    static let streamQueueLimit = stream("queue_limit_bytes", .gauge, "The most bytes that may wait")
    static let streamUnacknowledged = stream("unacknowledged_records", .gauge, "Records that Kafka has not acknowledged")
}

// MARK: Snapshots

extension Metric {
    private static func snapshot(_ name: String, _ kind: Kind, _ help: String) -> Metric {
        Metric("bridge_snapshot_\(name)", kind, labels: ["stream"], help)
    }

    static let snapshotDocuments = snapshot("documents_total", .counter, "Documents that snapshots of the stream have published")
    static let snapshotRemaining = snapshot(
        "remaining_documents", .gauge, "Documents that the running snapshot still has to publish, by the metadata of the collections")
    static let snapshotRunning = snapshot("running", .gauge, "1 while this process copies documents for the stream")
}

// MARK: Dispatchers

extension Metric {
    private static func dispatcher(_ name: String, _ kind: Kind, labels: [String] = [], _ help: String) -> Metric {
        Metric("bridge_dispatcher_\(name)", kind, labels: ["dispatcher"] + labels, help)
    }

    static let dispatcherState = dispatcher(
        "state", .gauge, labels: ["state"], "1 for the state that the dispatcher is in, 0 for the others")
    static let dispatcherPartitions = dispatcher("partitions", .gauge, "Partitions of the command topic that this process has")
    static let dispatcherLag = dispatcher("lag_records", .gauge, "Commands of its partitions that have no committed answer")
    static let dispatcherOutcomes = dispatcher("outcomes_total", .counter, labels: ["status"], "Outcomes that Kafka has stored")
    static let dispatcherDeadLetters = dispatcher("dead_letters_total", .counter, "Dead letters that Kafka has stored")
    static let dispatcherReassignments = dispatcher("reassign_attempts_total", .counter, "Offers of another resource")
    static let dispatcherFree = dispatcher("free_resources", .gauge, "Resources of the pool that are thought to be free")
    static let dispatcherRetries = dispatcher("retries_total", .counter, labels: ["class"], "Attempts that failed and were made again")
    static let dispatcherHalts = dispatcher("halts_total", .counter, "Halts")
    static let dispatcherBatchCommands = dispatcher("batch_commands", .histogram, "Commands that a worker took at once")
    static let dispatcherCommits = dispatcher(
        "commit_seconds", .histogram, "From the start of a commit of answers and offsets to its end")
}

// MARK: The process

extension Metric {
    static let processStart = Metric("process_start_time_seconds", .gauge, "Start of the process, in seconds since 1970")
    static let processCPU = Metric("process_cpu_seconds_total", .counter, "User and system CPU time")
    static let processMemory = Metric("process_resident_memory_bytes", .gauge, "Resident memory")
    static let processOpenFiles = Metric("process_open_fds", .gauge, "Open file descriptors")
    static let processMaxFiles = Metric("process_max_fds", .gauge, "The most file descriptors that may be open")
}
