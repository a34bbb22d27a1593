import Kafka
import Mongo
import Runtime

/// A dead letter as it lies in its topic, and the record that it was.
package struct FoundDeadLetter: Sendable {
    package let topic: String
    package let place: RecordCoordinates
    package let code: String
    package let message: String
    /// When it was put aside: the header's text.
    package let at: String?
    /// The same in milliseconds since 1970.
    package let time: Int64?
    /// What the dispatcher names the command by: its own id, or else the coordinates that it first had.
    package let id: String
    /// Where it was among the commands, as its headers say.
    private let origin: (topic: String, partition: Int32?, offset: Int64?)
    private let ownHeaders: [(name: String, value: [UInt8]?)]
    /// What goes back: the original bytes, key and headers, and where this comes from.
    let original: OutgoingRecord

    /// - Returns: nil for a record that is no dead letter of this dispatcher.
    init?(_ record: borrowing KafkaRecord, of dispatcher: DispatcherSettings, decoder: CommandDecoder) {
        let headers = record.headers
        func text(_ name: String) -> String? { headers.first { $0.name == name }?.value?.readable }
        guard text(DeadLetter.Header.topic) == dispatcher.commands else { return nil }
        topic = record.topic
        place = record.coordinates
        code = text(DeadLetter.Header.code) ?? "?"
        message = text(DeadLetter.Header.message) ?? ""
        at = text(DeadLetter.Header.at)
        time = at.flatMap(StoredPosition.milliseconds(fromISO8601:)) ?? record.timestamp
        origin = (
            dispatcher.commands, text(DeadLetter.Header.partition).flatMap { Int64(count: $0) }.flatMap { Int32(exactly: $0) },
            text(DeadLetter.Header.offset).flatMap { Int64(count: $0) }
        )
        let value = record.value
        let ownID = Self.id(of: value ?? [], decoder)
        // A name that another command has is replaced by the place of this dead letter: the same one, whenever it is
        // sent back.
        let isTaken = ownID == nil && code == DeadLetter.idTaken
        // It may have been here before: then it has the name that it got the first time.
        let givenID = text(CommandBatch.idHeader)
        // Somebody else's headers may say too little; where it lies now names it as well.
        let coordinates =
            if let partition = origin.partition, let offset = origin.offset { "\(origin.topic)/\(partition)/\(offset)" } else {
                "\(topic)/\(place)"
            }
        id = ownID ?? givenID ?? coordinates
        ownHeaders = headers.filter {
            !DeadLetter.Header.all.contains($0.name) && $0.name != DeadLetter.redrivenHeader
                && !(isTaken && $0.name == CommandBatch.idHeader)
        }
        var given = [(DeadLetter.redrivenHeader, Array("\(topic)/\(place)".utf8))]
        if isTaken || (ownID == nil && givenID == nil) {
            given.append((CommandBatch.idHeader, Array((isTaken ? "\(topic)/\(place)" : coordinates).utf8)))
        }
        original = OutgoingRecord(key: record.key, value: value, headers: ownHeaders + given.map { ($0, $1) })
    }

    /// The id that is in a command, or in what would be one but for a fault.
    private static func id(of value: [UInt8], _ decoder: CommandDecoder) -> String? {
        var memory = OutputBuffer(capacity: 1024)
        do throws(CommandFault) {
            let id = try decoder.decode(value.span.bytes, defaultID: "", into: &memory).id
            return id.isEmpty ? nil : id
        } catch {
            return error.id.flatMap { $0.isEmpty ? nil : $0 }
        }
    }

    package var key: String? { original.key?.readable }
    /// Nil for a null value.
    package var value: String? { original.value?.readable }
    /// The value on one line of bearable length.
    package var shortValue: String { value?.shortened ?? "(null)" }
}

extension FoundDeadLetter: Encodable {
    private enum CodingKeys: CodingKey { case topic, partition, offset, code, message, at, id, key, value, headers, command }
    private enum OriginKeys: CodingKey { case topic, partition, offset }

    /// Everything, without what sending it back would add.
    package func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: CodingKeys.self)
        try object.encode(topic, forKey: .topic)
        try object.encode(place.partition, forKey: .partition)
        try object.encode(place.offset, forKey: .offset)
        try object.encode(code, forKey: .code)
        try object.encode(message, forKey: .message)
        try object.encode(at, forKey: .at)
        try object.encode(id, forKey: .id)
        try object.encode(key, forKey: .key)
        // A null value is null; an empty one is "".
        try object.encode(value, forKey: .value)
        try object.encode(ReadableHeaders(ownHeaders), forKey: .headers)
        var command = object.nestedContainer(keyedBy: OriginKeys.self, forKey: .command)
        try command.encode(origin.topic, forKey: .topic)
        try command.encode(origin.partition, forKey: .partition)
        try command.encode(origin.offset, forKey: .offset)
    }
}
