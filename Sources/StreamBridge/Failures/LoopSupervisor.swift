import Runtime

/// Runs the sessions of a stream or a dispatcher, one after another, until a stop or a halt that nobody fixes. Used on
/// the loop's thread.
struct LoopSupervisor {
    let stop: StopSignal
    let registry: HaltRegistry
    let heartbeat: Heartbeat

    /// A session that worked for a while has earned a quick try; one that fails soon, again and again, has not.
    private static let longSession: Duration = .seconds(30)

    /// - Parameters:
    ///   - session: returns when nothing is left to do.
    ///   - pause: what an error of a session means: the time before the next one, nil for the backoff's.
    ///   - halted: reports a halt.
    ///   - leave: called after the last session, and after the report of a halt.
    ///   - interval: between two looks whether what halted is fixed.
    ///   - fix: looks, and says what was fixed.
    ///   - resumed: reports why the loop continues after a halt.
    /// - Returns: the halt that is final; nil after a stop.
    func run(
        session: () throws -> Void, pause: (any Error) throws(Halt) -> Duration?, halted: (Halt) -> Void, leave: () -> Void = {},
        lookEvery interval: Duration = .seconds(60), fix: () -> String? = { nil }, resumed: (String) -> Void
    ) -> Halt? {
        while true {
            var place: HaltRegistry.Halted?
            let halt = firstHalt(of: session, pause) { halt in
                // Before the halt is told, so that nothing that answers it is missed.
                place = registry.begin()
                halted(halt)
            }
            leave()
            heartbeat.rest()
            guard let reason = place?.awaitMend(stop, every: interval, fix) else { return halt }
            resumed(reason)
        }
    }

    private func firstHalt(
        of session: () throws -> Void, _ pause: (any Error) throws(Halt) -> Duration?, tell: (Halt) -> Void
    ) -> Halt? {
        var backoff = Backoff()
        while !stop.isRequested {
            let began = ContinuousClock.now
            heartbeat.beat()
            do {
                try session()
                return nil
            } catch {
                do throws(Halt) {
                    let time = try pause(error)
                    if began.duration(to: .now) > Self.longSession { backoff.reset() }
                    if stop.wait(for: time ?? backoff.next()) { return nil }
                } catch {
                    tell(error)
                    return error
                }
            }
        }
        return nil
    }
}
