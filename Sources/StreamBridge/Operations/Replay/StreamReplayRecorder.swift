import Mongo
import Runtime

/// Makes the records of one replay as it continues. Used on one thread.
final class StreamReplayRecorder: PositionKeeping {
    private var record: StreamReplayRecord

    init(_ record: StreamReplayRecord) { self.record = record }

    var key: String { record.id }

    /// What is recorded from now on says that nothing is left.
    func finish() { record.state = .done }

    func record(of position: StreamPosition) -> [UInt8] {
        record.stored.position = position
        record.stored.writtenAt = WallClock.milliseconds()
        return record.json
    }
}
