import Dispatch
import Foundation
import Testing

/// Lets some scenes run at a time: each has a bridge with its threads, and the machine may have two cores. Most of them
/// wait most of the time.
actor Gate {
    static let scenes = Gate(width: 11)

    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var waitingFirst: [CheckedContinuation<Void, Never>] = []

    init(width: Int) { free = width }

    /// - Parameter isFirst: before all others that wait. For suites whose tests come one after another: each would
    ///   queue behind every other suite anew, and the last ones would run alone at the end.
    func enter(isFirst: Bool = false) async {
        if free > 0 {
            free -= 1
        } else if isFirst {
            await withCheckedContinuation { waitingFirst.append($0) }
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    func leave() {
        if !waitingFirst.isEmpty {
            waitingFirst.removeFirst().resume()
        } else if !waiting.isEmpty {
            waiting.removeFirst().resume()
        } else {
            free += 1
        }
    }
}

/// A thread of one test, which may block, so that the cooperative pool stays free for the bridge. Task-locals stay: an
/// expectation that fails knows its test.
final class SceneThread: TaskExecutor {
    private let queue = DispatchQueue(label: "scene")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// With `BRIDGE_TEST_TIMES=1` each scene prints how long it took: what the testing library prints counts the wait for
/// room as well.
private let tellsTimes = ProcessInfo.processInfo.environment["BRIDGE_TEST_TIMES"] != nil

/// Runs `body` where it may block, when there is room for one more.
///
/// - Parameter isSerial: the test's suite is one whose tests come one after another.
func blocking(isSerial: Bool = false, _ body: @escaping @Sendable () throws -> Void) async throws {
    await Gate.scenes.enter(isFirst: isSerial)
    let began = ContinuousClock.now
    let result: Result<Void, any Error>
    do {
        try await withTaskExecutorPreference(SceneThread()) { @concurrent () async throws in try body() }
        result = .success(())
    } catch {
        result = .failure(error)
    }
    await Gate.scenes.leave()
    if tellsTimes { print("time \(began.duration(to: .now) / .seconds(1)) \(Test.current?.name ?? "")") }
    try result.get()
}
