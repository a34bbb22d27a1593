import Mongo
import Runtime
import Synchronization

/// A call to MongoDB on a thread of its own, so that a server that does not answer holds nobody up.
///
/// libmongoc cannot be interrupted, and waits for an answer as long as its socket time-out, an hour where change
/// streams are read. A call that takes too long is left behind with its client, and the pool lends another one in its
/// place until the call returns.
final class BoundedCall<Success: Sendable>: Sendable {
    /// Apart from the call itself, which its thread must not keep.
    private final class Answer: Sendable {
        let result = Mutex<Result<Success, any Error>?>(nil)
    }

    private let answer: Answer
    private let thread: LoopThread
    private let pool: MongoClientPool

    /// Starts the call.
    ///
    /// - Parameter body: takes a client of `pool`, and one at a time.
    init(of pool: MongoClientPool, thread name: String, _ body: @escaping @Sendable () throws -> Success) {
        let answer = Answer()
        self.answer = answer
        self.pool = pool
        thread = LoopThread.start(name: name) {
            let result = Result { try body() }
            answer.result.withLock { $0 = result }
        }
    }

    /// What the call has given; nil when it has given nothing within `limit`.
    ///
    /// - Throws: what the call has thrown.
    func result(within limit: Duration) throws -> Success? {
        thread.join(within: limit)
        return try answer.result.withLock { $0 }?.get()
    }

    /// Nobody waits for the call any more.
    func abandon() { pool.leaveBehind(thread) }
}

extension BoundedCall {
    /// Makes a call and waits for it: until a stop, and no longer than `limit`.
    ///
    /// - Parameters:
    ///   - operation: a phrase for the error.
    ///   - stop: nil where nobody stops the caller but by ending the process.
    ///   - isSlow: called once, when the answer is late.
    /// - Throws: what the call throws, ``Stopped``, or ``MongoError`` of kind `network` when no answer came.
    static func make(
        of pool: MongoClientPool, _ operation: String, within limit: Duration = BoundedCallLimits.answer, stop: StopSignal?,
        isSlow: (WaitsFor) -> Void = { _ in }, _ body: @escaping @Sendable () throws -> Success
    ) throws -> Success {
        let call = BoundedCall(of: pool, thread: "ask mongodb", body)
        let start = ContinuousClock.now
        var isTold = false
        while true {
            if let result = try call.result(within: BoundedCallLimits.tick) { return result }
            if stop?.isRequested ?? false {
                call.abandon()
                throw Stopped()
            }
            let time = start.duration(to: .now)
            if !isTold, time > BoundedCallLimits.late {
                isTold = true
                isSlow(.answer(to: operation))
            }
            if time > limit {
                call.abandon()
                throw MongoError(kind: .network, operation: operation, message: "no answer within \(limit.readable)")
            }
        }
    }
}

extension Deployment {
    /// Asks the server, for a command that hears a stop.
    ///
    /// - Throws: as ``init(of:)``, and ``Stopped``.
    static func reached(by pool: MongoClientPool, stop: StopSignal) throws -> Deployment {
        // The driver looks for a server, and the call for an answer of it.
        let limit = pool.serverSelectionTime + BoundedCallLimits.answer
        return try BoundedCall.make(of: pool, "reach MongoDB", within: limit, stop: stop) { try Deployment(of: pool) }
    }
}

extension WaitsFor {
    /// MongoDB takes longer than it should.
    static func answer(to operation: String) -> WaitsFor {
        WaitsFor(description: "waiting for MongoDB to answer: \(operation)", kind: .timeout)
    }
}

/// Apart from the call, because a generic type has no constants.
enum BoundedCallLimits {
    /// What is asked of a server beside its change streams takes milliseconds; a server has to be found for it first.
    static let answer: Duration = .seconds(30)
    /// An answer that takes longer is worth a word.
    static let late: Duration = .seconds(3)
    /// The caller looks after a stop this often.
    static let tick: Duration = .milliseconds(200)
}

extension MongoClientPool {
    /// A thread with a client does not return: another may have a client in its place until it does.
    func leaveBehind(_ thread: LoopThread) {
        leaveBehind()
        thread.whenOver { [self] in cameBack() }
    }
}
