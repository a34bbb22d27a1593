import Kafka
import Runtime

/// Runs sessions of a replay, one after another, until one comes to its end. Used on one thread.
struct ReplaySupervisor {
    let id: String
    let rate: Int?
    /// How long nothing may be published before an error that passes counts as one that does not.
    let patience: Duration
    let stop: StopSignal
    /// Where the replay is, and how many were published for good; nil before anything is recorded of it.
    let progress: () -> (place: String, published: Int64)?
    /// What an error ends the command with: ``Halt`` or ``Unreachable``.
    let explain: (any Error) -> any Error
    /// Is told of an error after which the next session begins.
    let tell: (any Error) -> Void

    /// - Parameter session: gives whether nothing is left; otherwise a stop came.
    /// - Throws: ``ReplayInterrupted`` when something is recorded of the replay, otherwise what ended it.
    func run(_ session: () throws -> Bool) throws -> Bool {
        var deadline = ContinuousClock.now + patience
        var backoff = Backoff()
        while !stop.isRequested {
            let before = progress()?.place
            do {
                return try session()
            } catch is Stopped {
                return false
            } catch {
                if progress()?.place != before {
                    deadline = .now + patience
                    backoff.reset()
                }
                let ending = explain(error)
                if ending is Halt || .now >= deadline {
                    throw progress().map { ReplayInterrupted(id: id, published: $0.published, rate: rate, cause: ending) } ?? ending
                }
                tell(error)
                if stop.wait(for: backoff.next()) { return false }
            }
        }
        return false
    }

    /// Two processes with the same replay would fence each other for ever, so the one that is fenced ends.
    static func explained(_ error: any Error, id: String) -> any Error {
        guard let fenced = error as? KafkaError, fenced.code == .fenced || fenced.code == .producerFenced else { return error }
        return Halt(
            reason: "another process continues with replay \(id), or Kafka gave up its transaction: \(fenced)",
            remedy: "Look for that process before you continue", status: .configuration)
    }
}
