import Foundation

/// State that several threads share, and a way to block until it is as wanted.
final class Monitor<State>: @unchecked Sendable {
    // Safe: `state` is read and written under `condition`'s lock only.
    private let condition = NSCondition()
    private var state: State

    init(_ state: State) { self.state = state }

    @discardableResult
    func update<Result>(_ change: (inout State) -> Result) -> Result {
        condition.lock()
        defer { condition.unlock() }
        let result = change(&state)
        condition.broadcast()
        return result
    }

    var value: State { update { $0 } }

    /// Blocks until `find` gives something.
    ///
    /// - Throws: ``WaitedInVain`` naming `what` after ``Patience/limit``.
    func wait<Result>(for what: String, _ find: (State) -> Result?) throws -> Result {
        let end = Date(timeIntervalSinceNow: TimeInterval(Patience.limit.components.seconds))
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let result = find(state) { return result }
            guard condition.wait(until: end) else { throw WaitedInVain(what: what) }
        }
    }
}

/// How long a test waits for a condition before it fails: far longer than any of them takes, even on a busy machine.
enum Patience {
    static let limit: Duration = .seconds(90)
}

struct WaitedInVain: Error, CustomStringConvertible {
    let what: String
    var description: String { "waited in vain for \(what)" }
}
