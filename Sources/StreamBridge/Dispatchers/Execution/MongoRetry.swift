import Kafka
import Mongo
import Runtime

/// All commands of a batch belong to somebody else now, or the bridge stops: there is nothing left to do for it.
struct BatchAbandoned: Error {}

/// Runs operations on MongoDB until their outcome is known. Used on a worker's thread.
struct MongoRetry {
    let context: DispatchContext
    let hands: InFlightPartitions
    let session: SessionEnd
    let heartbeat: Heartbeat
    /// The worker's number.
    let worker: Int
    private let stall = BatchStall()

    init(context: DispatchContext, hands: InFlightPartitions, session: SessionEnd, heartbeat: Heartbeat, worker: Int) {
        self.context = context
        self.hands = hands
        self.session = session
        self.heartbeat = heartbeat
        self.worker = worker
    }

    /// A batch was taken.
    func begin() { stall.begin() }

    /// What the worker tried has failed, and it tries again.
    func failed(_ error: any Error) { context.status.mongoFailed(error, of: .worker(worker)) }

    /// A connection that breaks during a login looks like a refusal: this many in a row, with the backoff between them
    /// some ten seconds, are taken for what they say.
    private static let refusalsUntilBelieved = 8

    /// Tries until MongoDB answers. Between two tries the batch lets go of what the consumer had to give up.
    ///
    /// - Throws: ``BatchAbandoned``; ``Halt``; whatever `body` throws that is no ``MongoError``.
    func untilAnswered<Result>(_ batch: CommandBatch, _ body: () throws -> Result) throws -> Result {
        var backoff = Backoff(initial: .milliseconds(20), cap: .seconds(5))
        var refusals = 0
        while true {
            do {
                // A call may take as long as the pool's socket timeout, which grows with the configured `wtimeout`.
                let result = try heartbeat.resting(body)
                context.status.mongoAnswered(.worker(worker))
                if let wait = stall.look(answered: batch.answered, of: batch.places.count) {
                    context.status.mongoFailed(wait, of: .commands(worker))
                }
                return result
            } catch let error as MongoError {
                if error.kind == .authentication { refusals += 1 }
                if error.kind != .authentication || refusals >= Self.refusalsUntilBelieved,
                    case .halt(let halt) = DispatchFailure(mongoDB: error, dispatcher: context.settings)
                {
                    throw halt
                }
                failed(error)
                try wait(for: backoff.next(), batch)
            }
        }
    }

    /// - Throws: ``BatchAbandoned`` when nothing is left to wait for.
    func wait(for duration: Duration, _ batch: CommandBatch) throws {
        if context.stop.isOverdue || session.isOver { throw BatchAbandoned() }
        // A stop that was asked for has a deadline: no wait goes beyond it.
        let left = context.stop.deadline.map { max(.zero, $0 - .now) }
        hands.wait(for: left.map { min($0, duration) } ?? duration)
        try check(batch)
    }

    /// Lets go of what the consumer had to give up.
    ///
    /// - Throws: ``BatchAbandoned`` when nothing is left to work for.
    func check(_ batch: CommandBatch) throws {
        if context.stop.isOverdue || session.isOver { throw BatchAbandoned() }
        batch.drop(hands.release())
        if batch.places.allSatisfy({ batch.dropped.contains($0.partition) }) { throw BatchAbandoned() }
    }
}
