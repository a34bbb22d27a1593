import Kafka
import Runtime

/// Stores an edited position in one Kafka transaction with the record of the edit, that of a gap, and the snapshot that
/// the edit ends. Used on one thread.
struct PositionWriter {
    let transaction: StreamTransaction
    let store: PositionStore
    let ledger: SnapshotLedger

    /// What the stream has when nobody else can change it any more.
    struct Former {
        /// The value of its record in the positions topic; nil for none.
        let value: [UInt8]?
        /// Nil for none, and for one that cannot be read.
        let position: StoredPosition?
        /// The snapshot that runs, as far as the position says.
        let snapshot: SnapshotRecord?
    }

    struct Edit {
        let record: PositionEdit
        /// Of events that the edit leaves out.
        let gap: GapRecord?
        /// The one that ran, as the edit leaves it.
        let snapshot: SnapshotRecord?
    }

    /// Blocks, for `startupTimeout` at most and one answer.
    ///
    /// - Returns: what was stored.
    /// - Throws: ``KafkaError``, ``Stopped``, and what `edit` throws. Nothing was changed then, unless no answer came
    ///   to the commit.
    func write(_ edit: (Former) throws -> Edit) throws -> Edit {
        let (stream, bridge) = (transaction.stream, transaction.configuration.name)
        return try transaction.commit {
            let edit = try edit(former())
            var entries = [
                StreamTransaction.Entry(
                    InternalTopics.positionEdits(of: bridge), key: stream, value: Array(edit.record.json.utf8)),
                .init(store.topic, key: stream, value: edit.record.new),
            ]
            if let gap = edit.gap { entries.append(.init(InternalTopics.gaps(of: bridge), key: stream, value: gap.json(stream: stream))) }
            if let snapshot = edit.snapshot, snapshot.state == .failed {
                entries.append(.init(ledger.topic, key: snapshot.id, value: snapshot.json))
            }
            return (entries, edit)
        }
    }

    private func former() throws -> Former {
        let waiting = NewestValues.Waiting(stop: transaction.stop)
        let value = try store.readAll(timeout: Self.callTime, waiting)[transaction.stream]?.bytes
        let position = value.flatMap { try? StoredPosition(json: $0) }
        return Former(
            value: value, position: position,
            snapshot: try ledger.running(of: transaction.stream, at: position, timeout: Self.callTime, waiting))
    }

    /// How long one answer of Kafka is waited for.
    private static let callTime: Duration = .seconds(5)
}
