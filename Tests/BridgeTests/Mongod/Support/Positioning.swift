import Mongo

@testable import Runtime
@testable import StreamBridge

extension Scene {
    /// The topics of the history and of the gaps, which the mock cluster would give four partitions.
    func makeEditsTopics() throws {
        for topic in [InternalTopics.positionEdits(of: name), InternalTopics.gaps(of: name)] { try kafka.create(topic: topic) }
    }

    /// Edits a position in this process.
    func setPosition(
        of stream: StreamSettings, to place: String, _ request: Positions.Request = .init(by: "ann@desk")
    ) throws -> Positions.Change {
        let place = try PositionPlace(argument: place)
        return try positions([stream]) { try await $0.set(stream, to: place, request) }
    }

    /// Reads or edits positions in this process.
    func positions<Success: Sendable>(
        _ streams: [StreamSettings], _ body: @escaping @Sendable (Positions) async throws -> Success
    ) throws -> Success {
        let positions = Positions(configuration: configuration(streams), logger: log.logger)
        let end = Monitor<Result<Success, any Error>?>(nil)
        Task.detached {
            let result: Result<Success, any Error>
            do { result = .success(try await body(positions)) } catch { result = .failure(error) }
            end.update { $0 = result }
        }
        return try end.wait(for: "the positions") { $0 }.get()
    }
}
