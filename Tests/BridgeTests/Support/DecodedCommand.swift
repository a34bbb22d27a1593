@testable import Mongo
@testable import Runtime
@testable import StreamBridge

/// What a decoder makes of a record, with the body as a document.
struct DecodedCommand {
    var command: Command
    /// Nil for a command that completes another one.
    var body: BSONDocument?

    var resource: Resource? { if case .dispatch(let resource, _) = command.order { resource } else { nil } }
    var target: String? { if case .complete(let target) = command.order { target } else { nil } }
}

extension CommandDecoder {
    /// Decodes behind other bytes, and checks that those stay and that a fault leaves nothing.
    func decode(_ record: [UInt8], defaultID: @autoclosure () -> String = "default") throws -> DecodedCommand {
        let before = Array("before".utf8)
        var memory = OutputBuffer(capacity: 64)
        memory.append(contentsOf: before)
        do {
            let command = try decode(record.span.bytes, defaultID: defaultID(), into: &memory)
            let bytes = memory.bytes()
            guard bytes.starts(with: before) else { throw MemoryFault() }
            guard case .dispatch(_, let range) = command.order else {
                guard bytes == before else { throw MemoryFault() }
                return DecodedCommand(command: command)
            }
            guard range == before.count..<bytes.count else { throw MemoryFault() }
            var document = OutputBuffer(capacity: 64)
            document.appendDocument { $0.append(contentsOf: Array(bytes[range])) }
            return DecodedCommand(command: command, body: try BSONDocument(copying: document.bytes().span.bytes))
        } catch {
            guard error is MemoryFault || memory.bytes() == before else { throw MemoryFault() }
            throw error
        }
    }

    func decode(_ record: String, defaultID: @autoclosure () -> String = "default") throws -> DecodedCommand {
        try decode(Array(record.utf8), defaultID: defaultID())
    }

    /// Nil for a valid command.
    func fault(_ record: [UInt8], defaultID: @autoclosure () -> String = "default") throws -> CommandFault? {
        do {
            _ = try decode(record, defaultID: defaultID())
            return nil
        } catch let fault as CommandFault {
            return fault
        }
    }

    func fault(_ record: String, defaultID: @autoclosure () -> String = "default") throws -> CommandFault? {
        try fault(Array(record.utf8), defaultID: defaultID())
    }
}

/// The decoder left something else in the memory than it says.
struct MemoryFault: Error {}
