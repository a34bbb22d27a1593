import Testing

@testable import Kafka
@testable import StreamBridge

/// Many commands in a random order that a seed gives again: dispatches for few trucks, ends of earlier ones, repeats,
/// some that have expired.
struct CommandFlood {
    let seed: UInt64
    let commands: [String]
    /// Of all commands, each once.
    let ids: Set<String>
    /// How many different ids the commands before each have.
    private let idCounts: [Int]

    init(_ count: Int, trucks: Int, seed: UInt64 = .random(in: 0 ... .max)) {
        self.seed = seed
        var random = SeededGenerator(seed: seed)
        var commands: [String] = []
        var dispatches: [String] = []
        var ids: Set<String> = []
        var idCounts: [Int] = []
        for number in 0..<count {
            if idCounts.count == commands.count { idCounts.append(ids.count) }
            let id: String
            switch random.below(20) {
            case 0..<11:
                id = "c-\(number)"
                commands.append(CommandText.dispatch(id, 1 + random.below(trucks), random.below(30) == 0 ? CommandText.past : ""))
                dispatches.append(id)
            case 11..<17 where !dispatches.isEmpty:
                id = "r-\(number)"
                // Rather one of the last: the others have been ended already.
                let target = dispatches[max(0, dispatches.count - 1 - random.below(3 * trucks))]
                commands.append(CommandText.complete(id, target, random.below(30) == 0 ? CommandText.past : ""))
            case 17:
                id = "u-\(number)"
                commands.append(CommandText.complete(id, "nobody"))
            default:
                guard !commands.isEmpty else { continue }
                commands.append(random.pick(commands))
                continue
            }
            ids.insert(id)
        }
        self.commands = commands
        self.ids = ids
        self.idCounts = idCounts
    }

    /// How many different ids the first commands have.
    func ids(before index: Int) -> Int { idCounts[index] }
}

extension Dispatching {
    /// Sends a part of a flood, each command to a partition that the seed gives.
    func send(_ flood: CommandFlood, _ range: Range<Int>? = nil) throws {
        var random = SeededGenerator(seed: flood.seed &+ UInt64(range?.lowerBound ?? 0))
        try sender.send(
            flood.commands[range ?? flood.commands.indices].map {
                (OutgoingRecord(value: Array($0.utf8)), Int32(random.below(Int(partitions))))
            })
    }
}

extension Dispatching {
    /// As ``expectConsistent(_:sourceLocation:)``; a fault names the seed.
    @discardableResult
    func expectConsistent(_ flood: CommandFlood, sourceLocation: SourceLocation = #_sourceLocation) throws -> Int {
        let before = Set(try shipments().keys)
        if before != flood.ids { Issue.record("seed \(flood.seed): documents are missing", sourceLocation: sourceLocation) }
        return try expectConsistent(flood.ids, sourceLocation: sourceLocation)
    }
}
