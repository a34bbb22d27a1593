import Kafka
import Mongo
import Runtime

/// Commands that were taken together, each on its way to its answer. Used on its worker's thread.
final class CommandBatch {
    /// A valid command.
    struct Item {
        /// Which record of the batch.
        let record: Int
        let origin: CommandOrigin
        var place: RecordCoordinates { origin.place }
        fileprivate(set) var command: Command
        /// Whether the resource that it asks for is one that there is (``PoolMembership``).
        fileprivate(set) var asksForMember = true
    }

    let records: ConsumedRecords
    /// By record.
    let places: [RecordCoordinates]
    private(set) var items: [Item] = []
    /// By record; nil while there is none.
    private(set) var answers: [CommandAnswer?]
    /// How many commands have one.
    private(set) var answered = 0
    /// Bodies of the commands, as BSON elements.
    private(set) var memory = OutputBuffer(capacity: 16 << 10)
    /// The numbers of the partitions' assignments when the records were taken.
    private(set) var assignments: [Int32: Int] = [:]
    /// Partitions that this batch has no business with any more.
    private(set) var dropped: Set<Int32> = []

    /// Reads the commands; what is none is answered already.
    ///
    /// - Parameter topic: names a command without an id.
    init(_ records: ConsumedRecords, topic: String, decoder: CommandDecoder) {
        self.records = records
        places = (0..<records.count).map { index in records.withRecord(index) { $0.coordinates } }
        answers = Array(repeating: nil, count: records.count)
        items.reserveCapacity(records.count)
        for index in 0..<records.count { read(index, topic: topic, decoder: decoder) }
    }

    private func read(_ index: Int, topic: String, decoder: CommandDecoder) {
        let place = places[index]
        records.withRecord(index) { record in
            do throws(CommandFault) {
                var isNameless = false
                let command = try record.withValue { bytes throws(CommandFault) in
                    try decoder.decode(
                        (bytes ?? UnsafeRawBufferPointer(start: nil, count: 0)).bytes,
                        defaultID: Self.defaultID(of: record, topic: topic, place: place, &isNameless), into: &memory)
                }
                let digest = isNameless ? record.withValue { $0.map(CommandOrigin.digest) } : nil
                let origin = CommandOrigin(place: place, timestamp: record.timestamp, digest: digest)
                items.append(Item(record: index, origin: origin, command: command))
            } catch {
                // As ``time(of:)``.
                let outcome = error.id.map {
                    Outcome(
                        id: $0, status: .invalid, requested: nil, assigned: nil, attempts: 0, message: error.message,
                        at: record.timestamp ?? 0)
                }
                answers[index] = .deadLetter(DeadLetter(code: error.kind.rawValue, message: error.message), outcome)
            }
        }
    }

    /// The header in which a record that was sent back from the dead letters names the command that it was.
    static let idHeader = "command.id"

    /// A command without an id is named by its coordinates: those that it first had.
    ///
    /// - Parameter isAsked: becomes true.
    private static func defaultID(
        of record: borrowing KafkaRecord, topic: String, place: RecordCoordinates, _ isAsked: inout Bool
    ) -> String {
        isAsked = true
        let headers = record.headers
        // Only `bridge redrive` gives names.
        guard headers.contains(where: { $0.name == DeadLetter.redrivenHeader }),
            let value = headers.first(where: { $0.name == idHeader })?.value,
            1...512 ~= value.count, let name = String(validating: value, as: UTF8.self)
        else { return "\(topic)/\(place)" }
        return name
    }

    /// The record's own time: the answer to a command of which nothing is stored has it, so that the same record is
    /// answered with the same bytes.
    func time(of item: Int) -> Int64 { records.withRecord(items[item].record) { $0.timestamp ?? 0 } }

    /// A dispatch asks for this member of the pool, however it wrote it; nil when it asks for none.
    func resolve(_ item: Int, to member: Resource?) {
        guard case .dispatch(_, let body) = items[item].command.order else { return }
        items[item].asksForMember = member != nil
        if let member { items[item].command.order = .dispatch(resource: member, body: body) }
    }

    func answer(_ item: Int, _ answer: CommandAnswer) {
        answers[items[item].record] = answer
        answered += 1
    }

    /// The records were taken under these assignments; those of other partitions were fetched before their partition
    /// went, and taken just after.
    func assign(_ assignments: [Int32: Int]) {
        self.assignments = assignments
        drop(Set(places.map(\.partition)).subtracting(assignments.keys))
    }

    /// Drops what belongs to partitions that somebody else works on now.
    func drop(_ partitions: Set<Int32>) { dropped.formUnion(partitions) }

    func isDropped(_ item: Int) -> Bool { dropped.contains(items[item].place.partition) }

    /// Answered, or nothing to do with any more.
    func isDone(_ item: Int) -> Bool { answers[items[item].record] != nil || isDropped(item) }
}
