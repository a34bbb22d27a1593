import Testing

/// Runs each test of a suite on a thread of its own.
///
/// Such tests wait for Kafka in calls that block. On the cooperative pool, which has a thread for each core, two of
/// them would hold up everything else: the bridges of the scenes as well, which have most to do.
struct OwnThread: SuiteTrait, TestTrait, TestScoping {
    private static let gate = Gate(width: 6)

    var isRecursive: Bool { true }

    func provideScope(for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void) async throws
    {
        await Self.gate.enter()
        let result: Result<Void, any Error>
        do {
            try await withTaskExecutorPreference(SceneThread()) { try await function() }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await Self.gate.leave()
        try result.get()
    }
}

extension Trait where Self == OwnThread {
    /// Its tests block.
    static var blocking: Self { Self() }
}
