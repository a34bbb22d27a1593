import Kafka
import Runtime

/// Which partitions of the command topic this member has, and up to where their commands are answered. Any thread.
///
/// Offsets are committed only past commands whose answers Kafka has stored. Every assignment of a partition has a
/// number of its own: an answer that is acknowledged when the partition has gone, or has gone and come back, moves
/// nothing.
final class OffsetLedger: Sendable {
    /// Up to where the commands of one batch stand in a partition.
    struct Progress: Sendable, Equatable {
        let partition: Int32
        let assignment: Int
        /// The offset after the last one.
        let next: Int64
    }

    private struct Entry {
        let assignment: Int
        /// The next offset after what workers have handed to the publisher.
        var handedOver: Int64?
        /// The next offset after what Kafka has the answers of.
        var answered: Int64?
        var committed: Int64?
        /// The first record that a worker took: where a partition without a committed offset begins.
        var first: Int64?
        /// Where the commands begin that have no committed answer, as far as is known.
        var start: Int64? { committed ?? answered ?? first }
    }

    private struct State {
        var entries: [Int32: Entry] = [:]
        var assignments = 0
    }

    private let state = Monitor(State())

    /// Partitions begin to be this member's, each at its committed offset.
    func begin(_ offsets: [Int32: Int64?]) {
        state.update { state in
            state.assignments += 1
            for (partition, offset) in offsets {
                state.entries[partition] = Entry(assignment: state.assignments, handedOver: nil, answered: nil, committed: offset)
            }
        }
    }

    /// They are not any more.
    func end(_ partitions: [Int32]) { state.update { state in for partition in partitions { state.entries[partition] = nil } } }

    var partitions: Set<Int32> { state.read { Set($0.entries.keys) } }

    /// The numbers of the present assignments, by partition.
    var assignments: [Int32: Int] { state.read { $0.entries.mapValues(\.assignment) } }

    /// A worker took these records, in their order.
    func took(_ places: [RecordCoordinates]) {
        state.update { state in
            var seen: Set<Int32> = []
            for place in places where seen.insert(place.partition).inserted {
                guard let entry = state.entries[place.partition], entry.start == nil else { continue }
                state.entries[place.partition]?.first = place.offset
            }
        }
    }

    /// How many commands of the member's partitions have no committed answer.
    ///
    /// - Parameter findEnd: finds the end of a partition; nil while it is not known.
    /// - Returns: nil when an end is not known.
    func waiting(upTo findEnd: (Int32) -> Int64?) -> Int? {
        // Where nothing was committed and nothing was taken, there is nothing.
        let starts: [Int32: Int64] = state.read { $0.entries.compactMapValues(\.start) }
        var count = 0
        for (partition, start) in starts {
            guard let end = findEnd(partition) else { return nil }
            count += max(0, Int(end - start))
        }
        return count
    }

    /// A worker hands answers to the publisher.
    func handOver(_ progress: [Progress]) {
        state.update { state in
            for step in progress where state.entries[step.partition]?.assignment == step.assignment {
                state.entries[step.partition]?.handedOver = step.next
            }
        }
    }

    /// Kafka has stored answers.
    func answered(_ progress: [Progress]) {
        state.update { state in
            for step in progress where state.entries[step.partition]?.assignment == step.assignment {
                state.entries[step.partition]?.answered = step.next
            }
        }
    }

    /// Kafka has stored answers, and the offsets with them.
    func committed(_ progress: [Progress]) {
        state.update { state in
            for step in progress where state.entries[step.partition]?.assignment == step.assignment {
                state.entries[step.partition]?.answered = step.next
                state.entries[step.partition]?.committed = step.next
            }
        }
    }

    /// The partitions that are still this member's by the same assignment.
    func current(among progress: [Progress]) -> Set<Int32> {
        state.read { state in
            Set(progress.filter { state.entries[$0.partition]?.assignment == $0.assignment }.map(\.partition))
        }
    }

    /// Waits until everything that was handed over of these partitions is answered.
    func awaitAnswers(of partitions: [Int32], within limit: Duration) {
        _ = state.wait(within: limit) { state in
            partitions.allSatisfy { partition in
                state.entries[partition].map { $0.handedOver == nil || $0.handedOver == $0.answered } ?? true
            }
        }
    }

    /// Offsets to commit; they count as committed until ``commitFailed()``.
    ///
    /// - Parameter partitions: nil for all.
    func takeUncommitted(of partitions: [Int32]? = nil) -> [Int32: Int64] {
        state.update { state in
            var offsets: [Int32: Int64] = [:]
            for (partition, entry) in state.entries where partitions?.contains(partition) ?? true {
                guard let answered = entry.answered, answered != entry.committed else { continue }
                offsets[partition] = answered
                state.entries[partition]?.committed = answered
            }
            return offsets
        }
    }

    /// Something that was taken to be committed is not: it is committed again.
    func commitFailed() { state.update { state in for partition in state.entries.keys { state.entries[partition]?.committed = nil } } }
}
