@testable import Runtime
@testable import StreamBridge

/// How long a test waits for a condition, or lets a call take, before it fails: far longer than any of them takes, even
/// on a busy machine. No test says a time of its own, except one that is about to pass.
enum Patience {
    static let limit: Duration = .seconds(120)
}

struct WaitedInVain: Error, CustomStringConvertible {
    let what: String
    var description: String { "waited in vain for \(what)" }
}

extension Monitor {
    var value: State { read { $0 } }

    /// Blocks until `find` gives something.
    ///
    /// - Throws: ``WaitedInVain`` naming `what` after ``Patience/limit``.
    func wait<Result>(for what: String, _ find: (State) -> Result?) throws -> Result {
        var found: Result?
        let isFound = wait(within: Patience.limit) { state in
            found = find(state)
            return found != nil
        }
        guard isFound, let found else { throw WaitedInVain(what: what) }
        return found
    }
}
