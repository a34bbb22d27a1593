import Testing

@testable import Runtime
@testable import StreamBridge

@Suite struct CommandScheduleTests {
    private static func dispatch(_ id: String, _ truck: Int64) -> Command {
        Command(id: id, order: .dispatch(resource: Resource(truck), body: 0..<0), expiresAt: nil)
    }

    private static func complete(_ id: String, _ target: String) -> Command {
        Command(id: id, order: .complete(target: target), expiresAt: nil)
    }

    /// The rounds when everything is answered in the round that it begins in.
    private static func rounds(_ commands: [Command], held: [String: Resource] = [:]) -> [CommandSchedule.Round] {
        var schedule = CommandSchedule(commands, held: Dictionary(uniqueKeysWithValues: held.map { (ByteEqualString($0), $1) }))
        var done: Set<Int> = []
        var rounds: [CommandSchedule.Round] = []
        while !schedule.isEmpty, rounds.count < 100 {
            let round = schedule.next { done.contains($0) }
            done.formUnion(round.completions + round.dispatches)
            schedule.settleCompletions { done.contains($0) }
            rounds.append(round)
        }
        return rounds
    }

    private static func round(completions: [Int] = [], dispatches: [Int] = []) -> CommandSchedule.Round {
        CommandSchedule.Round(completions: completions, dispatches: dispatches)
    }

    @Test func strangersGoTogether() {
        #expect(
            Self.rounds([Self.dispatch("a", 1), Self.complete("r", "x"), Self.dispatch("b", 2), Self.dispatch("c", 1)])
                == [Self.round(completions: [1], dispatches: [0, 2, 3])])
        #expect(Self.rounds([]).isEmpty)
    }

    @Test func theSameIDTakesTurns() {
        #expect(
            Self.rounds([Self.dispatch("a", 1), Self.dispatch("a", 2), Self.complete("a", "x")])
                == [Self.round(dispatches: [0]), Self.round(dispatches: [1]), Self.round(completions: [2])])
    }

    @Test func aCompletionAndWhatItEndsKeepTheirOrder() {
        #expect(
            Self.rounds([Self.dispatch("a", 1), Self.complete("r", "a"), Self.complete("s", "a")])
                == [Self.round(dispatches: [0]), Self.round(completions: [1]), Self.round(completions: [2])])
        #expect(
            Self.rounds([Self.complete("r", "a"), Self.dispatch("a", 1), Self.complete("s", "a")])
                == [Self.round(completions: [0]), Self.round(dispatches: [1]), Self.round(completions: [2])])
        #expect(
            Self.rounds([Self.complete("a", "a"), Self.complete("a", "a")]) == [Self.round(completions: [0]), Self.round(completions: [1])])
    }

    @Test func aTruckThatIsFreedIsAskedForAfterwards() {
        #expect(
            Self.rounds([Self.complete("r", "a"), Self.dispatch("b", 7), Self.dispatch("c", 8)], held: ["a": Resource.number(7)])
                == [Self.round(completions: [0], dispatches: [2]), Self.round(dispatches: [1])])
        // And one that is asked for before is freed afterwards: it was busy.
        #expect(
            Self.rounds([Self.dispatch("b", 7), Self.complete("r", "a"), Self.dispatch("c", 7)], held: ["a": Resource.number(7)])
                == [Self.round(dispatches: [0]), Self.round(completions: [1]), Self.round(dispatches: [2])])
    }

    @Test func nobodyOvertakesOneWhoWaitsForTheSameTruck() {
        // c-1 waits for r, which ends nothing yet; c-2 stands behind it.
        #expect(
            Self.rounds([Self.complete("r", "c-1"), Self.dispatch("c-1", 4), Self.dispatch("c-2", 4)])
                == [Self.round(completions: [0]), Self.round(dispatches: [1, 2])])
        #expect(
            Self.rounds([Self.dispatch("c-1", 4), Self.dispatch("c-1", 5), Self.dispatch("c-2", 5)])
                == [Self.round(dispatches: [0]), Self.round(dispatches: [1, 2])])
    }

    @Test func whoStandsBehindAnOpenCompletionMayWait() {
        var schedule = CommandSchedule([Self.dispatch("a", 1), Self.complete("r", "b"), Self.dispatch("c", 1)], held: [:])
        #expect(!schedule.mayWait(0))
        #expect(schedule.mayWait(2))
        let round = schedule.next { _ in false }
        #expect(round.completions == [1])
        schedule.settleCompletions { $0 == 1 }
        #expect(!schedule.mayWait(2))
    }

    /// Plays a batch like a worker does: a dispatch for which nothing is free waits where it may.
    private static func play(_ commands: [Command], held: [String: Resource], random: inout SeededGenerator) -> [(index: Int, begun: Int)]?
    {
        var schedule = CommandSchedule(commands, held: Dictionary(uniqueKeysWithValues: held.map { (ByteEqualString($0), $1) }))
        var done: Set<Int> = []
        var order: [(index: Int, begun: Int)] = []
        var parked: [Int] = []
        var begun: [Int: Int] = [:]
        var number = 0
        while !schedule.isEmpty || !parked.isEmpty {
            guard number <= 3 * commands.count + 3 else { return nil }
            let round = schedule.next { done.contains($0) }
            for index in round.completions + round.dispatches { begun[index] = number }
            for index in round.completions {
                done.insert(index)
                order.append((index, number))
            }
            schedule.settleCompletions { done.contains($0) }
            var waiting: [Int] = []
            for index in (parked + round.dispatches).sorted() {
                if random.below(3) > 0, schedule.mayWait(index) {
                    waiting.append(index)
                } else {
                    done.insert(index)
                    order.append((index, begun[index] ?? number))
                }
            }
            parked = waiting
            number += 1
        }
        return order
    }

    @Test func everyRandomBatchIsAnsweredAndTheTurnsAreKept() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        for batch in 0..<2000 {
            let ids = 2 + random.below(12)
            let commands = (0..<1 + random.below(40)).map { _ in
                let id = "i-\(random.below(ids))"
                return random.below(2) == 0
                    ? Self.dispatch(id, Int64(random.below(4))) : Self.complete(id, "i-\(random.below(ids))")
            }
            let held = Dictionary((0..<random.below(6)).map { _ in ("i-\(random.below(ids))", Resource(Int64(random.below(4)))) }) { $1 }
            let order = try #require(
                Self.play(commands, held: held, random: &random), "seed \(seed), batch \(batch): they wait for each other for ever")
            try #require(order.map(\.index).sorted() == Array(commands.indices), "seed \(seed), batch \(batch)")
            let place = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1.index, $0) })
            let begun = Dictionary(uniqueKeysWithValues: order.map { ($0.index, $0.begun) })
            for later in commands.indices {
                for earlier in 0..<later {
                    let isBound =
                        switch (commands[earlier].order, commands[later].order) {
                        case (_, _) where commands[earlier].id == commands[later].id: true
                        case (_, .complete(let target)) where target == commands[earlier].id: true
                        case (.complete(let target), _) where target == commands[later].id: true
                        case (.complete(let one), .complete(let other)) where one == other: true
                        default: false
                        }
                    if isBound {
                        try #require(place[earlier] ?? 0 < place[later] ?? 0, "seed \(seed), batch \(batch): \(earlier) and \(later)")
                    }
                    if case .dispatch(let one, _) = commands[earlier].order, case .dispatch(let other, _) = commands[later].order,
                        one == other, commands[..<later].allSatisfy({ $0.isDispatch })
                    {
                        try #require(begun[earlier] ?? 0 <= begun[later] ?? 0, "seed \(seed), batch \(batch): \(earlier) and \(later)")
                    }
                }
            }
        }
    }
}

extension Command {
    fileprivate var isDispatch: Bool { if case .dispatch = order { true } else { false } }
}
