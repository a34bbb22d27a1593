import Runtime

/// The lines of a source, each as the command that it is.
struct CommandLines: ~Copyable {
    struct Line {
        let number: Int
        let bytes: [UInt8]
        /// What the command is named by.
        var id: String?
        /// A command and its completion have the same one: they are in one partition and stay in order.
        var key: String?
        /// Why the line is not to be sent.
        var fault: String?
    }

    private let lines: LineReader
    private let decoder: CommandDecoder
    private let largest: Int
    private let isUnchecked: Bool
    private let needsID: Bool
    private var memory = OutputBuffer(capacity: 4096)

    init(lines: LineReader, dispatcher: DispatcherSettings, largest: Int, isUnchecked: Bool, needsID: Bool) {
        self.lines = lines
        decoder = CommandDecoder(dispatcher)
        self.largest = largest
        self.isUnchecked = isUnchecked
        self.needsID = needsID
    }

    /// The next line that is not empty.
    mutating func next() throws -> Line? {
        while let line = try lines.next() {
            guard line.size > line.bytes.count || !line.bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }) else { continue }
            return read(line)
        }
        return nil
    }

    private mutating func read(_ line: LineReader.Line) -> Line {
        var read = Line(number: line.number, bytes: line.bytes)
        guard line.size <= largest else {
            read.fault = "the line has \(line.size) bytes, and kafka.message.max.bytes is \(largest)"
            return read
        }
        memory.truncate(to: 0)
        do throws(CommandFault) {
            let command = try decoder.decode(line.bytes.span.bytes, defaultID: "", into: &memory)
            read.id = Self.named(command.id)
            read.key = if case .complete(let target) = command.order { target } else { read.id }
        } catch {
            read.id = error.id.flatMap(Self.named)
            read.key = read.id
            if !isUnchecked { read.fault = error.message }
        }
        if needsID, read.id == nil, read.fault == nil { read.fault = "there is no id, by which its outcome could be recognised" }
        return read
    }

    /// No command has an empty id: it stands for none.
    private static func named(_ id: String) -> String? { id.isEmpty ? nil : id }
}
