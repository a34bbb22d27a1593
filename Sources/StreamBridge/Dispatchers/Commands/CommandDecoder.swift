import Mongo
import Runtime

/// Reads commands: strict JSON of exactly the keys that the configuration knows.
///
/// One pass over the bytes remembers where each value is; the body is written afterwards, as BSON, in the order of the
/// configuration. A value is never anything but text, number, boolean or date, so no command can smuggle in an operator
/// or a document.
struct CommandDecoder: Sendable {
    /// Places in ``CommandKeys/all``.
    private enum Place {
        static let id = 0
        static let complete = 1
        static let expiresAt = 2
        static let resource = 3
        static let firstField = 4
    }

    private let keys: CommandKeys

    init(_ settings: DispatcherSettings) {
        keys = CommandKeys(
            [
                CommandKey(name: "id", content: .identifier, isOptional: false),
                CommandKey(name: "complete", content: .identifier, isOptional: false),
                CommandKey(name: "expiresAt", content: .field(.date), isOptional: true),
                CommandKey(name: settings.resource.field, content: .resource, isOptional: false),
            ] + settings.fields.map { CommandKey(name: $0.name, content: .field($0.type), isOptional: !$0.isRequired) })
    }

    /// The command that a record is.
    ///
    /// - Parameters:
    ///   - defaultID: the id of a command that has none; called for no other.
    ///   - memory: gets the BSON elements of a dispatch's body; for anything else it is left as it was.
    func decode(
        _ record: RawSpan, defaultID: @autoclosure () -> String, into memory: inout OutputBuffer
    ) throws(CommandFault) -> Command {
        let content: Content
        do {
            content = try read(record)
        } catch {
            throw CommandFault(.malformed, id: nil, message: "the record is not JSON: \(error.problem) at byte \(error.offset)")
        }
        let id: String? =
            switch content.values[Place.id] {
            case .missing: defaultID()
            case .text(let text): text.text(of: record)
            default: nil
            }
        guard let id, content.fault == nil else {
            throw CommandFault(record.isEmpty ? .malformed : .invalid, id: id, message: content.fault ?? "id is missing")
        }
        do {
            let order = try order(content.values, in: record, into: &memory)
            let expiresAt: Int64? = if case .date(let time) = content.values[Place.expiresAt] { time } else { nil }
            return Command(id: id, order: order, expiresAt: expiresAt)
        } catch {
            throw CommandFault(id: id, message: error.message)
        }
    }

    // MARK: Reading

    /// What is in a record, by the places of the keys.
    private struct Content {
        var values: [CommandValue]
        /// The first fault.
        var fault: String?
    }

    /// Reads on after a fault in a field, because the id may come later.
    private func read(_ record: RawSpan) throws(JSONScanner.Fault) -> Content {
        var content = Content(values: [CommandValue](repeating: .missing, count: keys.all.count))
        var scanner = JSONScanner()
        // Lengths in BSON have 31 bits, and no broker takes a record of this size.
        guard record.byteCount < 1 << 30 else { throw JSONScanner.Fault(problem: "more than 1 GiB", offset: 1 << 30) }
        guard try scanner.first(in: record) == UInt8(ascii: "{") else {
            content.fault = try complaint(aboutNoObject: record, &scanner)
            content.values[Place.id] = .faulty
            return content
        }
        scanner.beginObject(in: record)
        var hint = 0
        while let key = try scanner.nextKey(in: record) {
            let token = try scanner.value(in: record)
            guard let place = keys.index(of: key, in: record, hint: hint) else {
                if content.fault == nil { content.fault = complaint(aboutUnknown: key, in: record) }
                continue
            }
            hint = place + 1
            if !content.values[place].isMissing {
                if content.fault == nil { content.fault = "\(keys.all[place].name) is there twice" }
                content.values[place] = .faulty
            } else if let value = keys.all[place].value(of: token, in: record) {
                content.values[place] = value
            } else {
                if content.fault == nil { content.fault = keys.all[place].complaint(about: token, in: record) }
                content.values[place] = .faulty
            }
        }
        try scanner.end(in: record)
        return content
    }

    private func complaint(aboutNoObject record: RawSpan, _ scanner: inout JSONScanner) throws(JSONScanner.Fault) -> String {
        if record.isEmpty { return "the record is empty" }
        let token = try scanner.value(in: record)
        try scanner.end(in: record)
        return "the record is \(token.shown(in: record)), expected a JSON object"
    }

    private func complaint(aboutUnknown key: JSONString, in record: RawSpan) -> String {
        let name = key.text(of: record)
        let nearest = NearestName.of(name, among: keys.all.map(\.name)).map { "; did you mean \"\($0)\"?" } ?? ""
        return "unknown field \"\(name.shortened)\"\(nearest)"
    }

    // MARK: Order

    /// Why values that are valid each for itself are no command together.
    private struct Incomplete: Error {
        let message: String
    }

    private func order(
        _ values: [CommandValue], in record: RawSpan, into memory: inout OutputBuffer
    ) throws(Incomplete) -> Command.Order {
        if case .text(let target) = values[Place.complete] {
            if let extra = values.indices.dropFirst(Place.resource).first(where: { values[$0].isThere }) {
                throw Incomplete(message: "\(keys.all[extra].name): a command with complete has only id, complete and expiresAt")
            }
            return .complete(target: target.text(of: record))
        }
        for place in Place.resource..<values.count where values[place].isMissing && !keys.all[place].isOptional {
            throw Incomplete(message: "\(keys.all[place].name) is missing")
        }
        let resource: Resource
        switch values[Place.resource] {
        case .text(let text): resource = Resource(text.text(of: record))
        case .integer(let number): resource = Resource(number)
        case .double(let number): resource = Resource(.double(number))
        case .boolean(let value): resource = Resource(.boolean(value))
        case .resource(let named): resource = named
        default: throw Incomplete(message: "\(keys.all[Place.resource].name) is missing")
        }
        let start = memory.count
        for place in Place.firstField..<values.count { values[place].write(place, of: keys, in: record, into: &memory) }
        return .dispatch(resource: resource, body: start..<memory.count)
    }
}
