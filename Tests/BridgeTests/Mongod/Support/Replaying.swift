import Mongo

@testable import Runtime
@testable import StreamBridge

extension Scene {
    var replaysTopic: String { "bridge.\(name).replays" }

    /// The topic of the replays, which the mock cluster would give four partitions, and one to replay to.
    func makeReplayTopics() throws {
        try kafka.create(topic: replaysTopic)
        try kafka.create(topic: replayTopic)
    }

    /// A topic beside those of the streams.
    var replayTopic: String { topic("again") }

    func replayRequest(
        _ stream: StreamSettings, from: String = "oldest", to: String? = nil, _ change: (inout StreamReplay.Request) -> Void = { _ in }
    ) throws -> StreamReplay.Request {
        var request = StreamReplay.Request(
            stream: stream, from: try PositionPlace(argument: from), to: try to.map { try PositionPlace(argument: $0) },
            topic: replayTopic, by: "ann@desk")
        change(&request)
        return request
    }

    /// Replays in this process, to a topic of its own unless `change` says otherwise.
    @discardableResult
    func replay(
        _ stream: StreamSettings, from: String = "oldest", to: String? = nil, _ change: (inout StreamReplay.Request) -> Void = { _ in }
    ) throws -> Replay.Summary {
        let request = try replayRequest(stream, from: from, to: to, change)
        return try replays([stream]) { try await $0.run(request) }
    }

    /// Runs, plans or resumes replays in this process.
    func replays<Success: Sendable>(
        _ streams: [StreamSettings], configure: (inout BridgeConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable (Replay) async throws -> Success
    ) throws -> Success {
        var configuration = configuration(streams)
        configure(&configuration)
        let replay = Replay(configuration: configuration, logger: log.logger)
        let end = Monitor<Result<Success, any Error>?>(nil)
        Task.detached {
            let result: Result<Success, any Error>
            do { result = .success(try await body(replay)) } catch { result = .failure(error) }
            end.update { $0 = result }
        }
        return try end.wait(for: "the replay") { $0 }.get()
    }

    /// The newest record of a replay.
    func replayRecord(_ id: String) throws -> BSONDocument? {
        try records(replaysTopic).last { $0.keyText == id }.map { try $0.document() }
    }
}
