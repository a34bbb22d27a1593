import Runtime

/// Notices when Kafka acknowledges nothing although records wait for it: a client that tries again by itself says
/// nothing of that.
///
/// Pure: no clock, no I/O.
package struct AcknowledgementPatience {
    static let limit: Duration = .seconds(5)
    private static let interval: Duration = .seconds(1)
    /// librdkafka tells the same error of a connection again after 30 s, and tries to connect for as long.
    private static let problemLife: Duration = .seconds(60)

    /// Since when records wait and none was reported.
    private var since: ContinuousClock.Instant?
    private var reported: ContinuousClock.Instant?
    /// The newest error of a connection.
    private var problem: (text: String, at: ContinuousClock.Instant)?

    /// A connection has failed; the client makes it again.
    mutating func failed(_ error: some Error, at now: ContinuousClock.Instant) { problem = ("\(error)", now) }

    /// - Parameters:
    ///   - waiting: records that were neither acknowledged nor refused.
    ///   - hasReports: some were since the last look.
    /// - Returns: what to tell, at most once a second.
    mutating func look(waiting: Int, hasReports: Bool, at now: ContinuousClock.Instant) -> WaitsFor? {
        guard waiting > 0 else {
            since = nil
            return nil
        }
        guard let since, !hasReports else {
            since = now
            reported = nil
            return nil
        }
        guard now - since >= Self.limit, reported.map({ now - $0 >= Self.interval }) ?? true else { return nil }
        reported = now
        let text = "Kafka has acknowledged nothing for \((now - since).readable), and \(waiting) records wait"
        // A broker that is away while another answers.
        if let problem, now - problem.at <= max(Self.problemLife, now - since) {
            return WaitsFor(description: "\(text): \(problem.text)", kind: .network)
        }
        return WaitsFor(description: text, kind: .kafka)
    }
}
