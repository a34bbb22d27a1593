import Logging
import Mongo
import Runtime

/// Makes sure of a dispatcher's guard index, over all of its sessions. Used on the dispatcher's thread.
///
/// The server is asked to make it once. It may work on it for hours, so the request has a thread and a client with
/// patience of its own, and meanwhile the dispatcher looks at the list of indexes, where every
/// build shows: it continues when its client is gone.
final class GuardIndexMaker: Sendable {
    /// What the server was asked.
    private struct Request {
        /// Names it, too: a thread that was given up may still come back.
        let began: ContinuousClock.Instant
        var answer: Result<Void, MongoError>?
    }

    private let dispatcher: DispatcherSettings
    private let dependencies: DispatchLoop.Dependencies
    private let logger: Logger
    private let request = Monitor<Request?>(nil)
    /// What was warned of, and is not again at every session.
    private let warned = Monitor<Set<String>>([])

    /// An empty collection's index is there at once: what takes no longer is not worth a word.
    private static let promptness: Duration = .seconds(5)
    /// How soon a stop is heard meanwhile.
    private static let stopInterval: Duration = .milliseconds(200)
    /// A request of which the server's list shows nothing for so long was lost with its connection.
    private static let longestBeginning: Duration = .seconds(60)

    init(dispatcher: DispatcherSettings, dependencies: DispatchLoop.Dependencies, logger: Logger) {
        self.dispatcher = dispatcher
        self.dependencies = dependencies
        self.logger = logger
    }

    /// Looks for the index, and has it made where it is missing.
    ///
    /// - Throws: ``WaitsFor`` while it is being built; ``Halt`` when it can be neither found nor made; ``MongoError``.
    func ensure() throws -> GuardIndex {
        do {
            let index = try look()
            // It may be there a moment before the answer is.
            if case .success? = answer() { tellMade() }
            request.update { $0 = nil }
            return index
        } catch let missing as GuardIndex.Missing {
            try make(missing)
            return try look()
        }
    }

    private func look() throws -> GuardIndex {
        let collection = try dependencies.pool.withClient { client in
            try GuardedCollection.look(at: dispatcher, isCluster: dependencies.deployment.isSharded, of: client)
        }
        let index = try collection.guardIndex(for: dispatcher)
        for warning in collection.warnings(for: dispatcher) where warned.update({ $0.insert(warning.text).inserted }) {
            logger.warning("\(warning.text)", metadata: ["remedy": "\(warning.remedy)"])
        }
        return index
    }

    private func make(_ missing: GuardIndex.Missing) throws {
        let isLost = request.read { $0.map { $0.answer == nil && $0.began.duration(to: .now) > Self.longestBeginning } ?? true }
        if isLost { begin() }
        guard let answer = answer() else { throw GuardIndex.beingBuilt(GuardIndex.name(for: dispatcher), dispatcher) }
        request.update { $0 = nil }
        do throws(MongoError) {
            try answer.get()
            tellMade()
        } catch {
            if let halt = missing.halt(because: error) { throw halt }
            // What passes may also have been a client's patience: the next look tells whether the server is at work on
            // it.
            throw DispatchFailure(mongoDB: error, dispatcher: dispatcher).isRetry ? error : missing
        }
    }

    /// What the server said, if it says so at once.
    private func answer() -> Result<Void, MongoError>? {
        let deadline = ContinuousClock.now + Self.promptness
        while .now < deadline, !dependencies.stop.isRequested {
            guard !request.wait(within: Self.stopInterval, until: { $0 == nil || $0?.answer != nil }) else { break }
        }
        return request.read { $0?.answer }
    }

    private func tellMade() { logger.info("made the unique index on \(dispatcher.resource.field) of \(dispatcher.collection)") }

    private func begin() {
        let began = ContinuousClock.now
        request.update { $0 = Request(began: began) }
        var creation = GuardIndex.creation(for: dispatcher)
        creation.append("writeConcern", .document(dependencies.writeConcern.document))
        let (command, database, pool, request) = (creation, dispatcher.collection.database, dependencies.patientPool, request)
        _ = LoopThread.start(name: "index \(dispatcher.name)") {
            let answer = Result<Void, MongoError> { () throws(MongoError) in
                try pool.withClient { client throws(MongoError) in
                    _ = try client.commandOnPrimary(command, on: database, operation: "make the unique index")
                }
            }
            request.update { if $0?.began == began { $0?.answer = answer } }
        }
    }
}
