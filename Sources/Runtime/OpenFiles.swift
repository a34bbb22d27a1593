import Foundation

/// How many files, connections among them, the process may have open at once.
///
/// librdkafka has a connection and a pipe for every broker that a client talks to, and a stream or a dispatcher has two
/// clients: fifty streams on three brokers pass 1,024, the soft limit of most systems.
package enum OpenFiles {
    /// Raises the soft limit to the hard one, as far as the system lets it.
    package static func raiseLimit() {
        var limits = rlimit()
        guard getrlimit(kind, &limits) == 0, limits.rlim_cur < limits.rlim_max else { return }
        limits.rlim_cur = limits.rlim_max
        _ = setrlimit(kind, &limits)
    }

    /// What is in force; nil where the system does not say.
    package static var limit: UInt64? {
        var limits = rlimit()
        return getrlimit(kind, &limits) == 0 ? UInt64(limits.rlim_cur) : nil
    }

    private static var kind: __rlimit_resource_t { __rlimit_resource_t(RLIMIT_NOFILE.rawValue) }

    /// How many a bridge may need.
    ///
    /// - Parameters:
    ///   - parts: streams and dispatchers.
    ///   - brokers: of the Kafka cluster.
    package static func needed(parts: Int, brokers: Int) -> Int { 50 + parts * (12 + 6 * brokers) }
}
