/// Which records a reader sees of transactions.
package enum Isolation: String, Sendable, CaseIterable {
    case readCommitted = "read_committed"
    /// Those of open and of aborted transactions, too.
    case readUncommitted = "read_uncommitted"
}
