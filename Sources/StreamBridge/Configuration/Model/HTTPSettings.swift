/// The status page and metrics.
package struct HTTPSettings: Sendable, Equatable {
    /// `host:port`.
    package var listen: String
    /// What callers have to present; never printed.
    package var token: String?
}
