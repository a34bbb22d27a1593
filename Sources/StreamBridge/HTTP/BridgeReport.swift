import Mongo

/// Everything that HTTP tells of a bridge, as it is at one moment.
struct BridgeReport: Sendable {
    struct Server: Sendable {
        /// Why it does not answer; nil while it does.
        let silence: String?
        /// The same, once it lasts longer than a retry takes.
        let lastingSilence: String?
        var isReachable: Bool { silence == nil }
    }

    struct Pool: Sendable {
        let name: String
        let clients: Int
        let limit: Int
    }

    let name: String
    /// Lines of the log that could not be written.
    let lostLogLines: Int
    /// Milliseconds since 1970.
    let startedAt: Int64
    let at: ContinuousClock.Instant
    let obstacles: [Obstacle]
    /// Loops that make no progress: what keeps the bridge from being healthy.
    let ailments: [Obstacle]
    let mongoDB: Server
    let kafka: Server
    /// Nil until MongoDB was reached.
    let deployment: Deployment?
    let elections: Int
    let pools: [Pool]
    let streams: [(settings: StreamSettings, snapshot: StreamStatus.Snapshot)]
    let dispatchers: [(settings: DispatcherSettings, snapshot: DispatchStatus.Snapshot)]
}

/// Something that keeps a bridge from being ready, or healthy.
struct Obstacle: Sendable, CustomStringConvertible {
    /// For example `stream inventory is halted`.
    let what: String
    let why: String?

    var description: String { why.map { "\(what): \($0)" } ?? what }
}
