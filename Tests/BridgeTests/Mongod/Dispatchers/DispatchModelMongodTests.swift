import Foundation
import Mongo
import Testing

@testable import StreamBridge

/// Random commands against a model of thirty lines.
@Suite struct DispatchModelMongodTests {
    private enum Order {
        case dispatch(truck: Int)
        case complete(target: String)
    }

    private struct RandomCommand {
        let id: String
        let order: Order
        let isExpired: Bool

        var text: String {
            let more = isExpired ? CommandText.past : ""
            return switch order {
            case .dispatch(let truck): CommandText.dispatch(id, truck, more)
            case .complete(let target): CommandText.complete(id, target, more)
            }
        }
    }

    /// What has to be answered when commands come one by one.
    private struct Model {
        let pool: Set<Int>
        let isLowest: Bool
        private var holders: [Int: String] = [:]
        private var answers: [String: TestOutcome] = [:]

        init(pool: Set<Int>, isLowest: Bool) {
            self.pool = pool
            self.isLowest = isLowest
        }

        /// Takes an answer, if it is right.
        mutating func accept(_ outcome: TestOutcome, to command: RandomCommand) -> Bool {
            if let earlier = answers[command.id] { return outcome == earlier }
            answers[command.id] = outcome
            let assigned = outcome.assigned?.int64Value.map { Int($0) }
            if command.isExpired { return outcome.status == "rejected" && outcome.message.contains(" expired at ") && assigned == nil }
            switch command.order {
            case .dispatch(let truck):
                guard pool.contains(truck) else { return outcome.message == "Truck #\(truck) is not in the pool." && assigned == nil }
                let free = pool.subtracting(holders.keys)
                let isBusy = holders[truck] != nil
                if let assigned { holders[assigned] = command.id }
                guard isBusy else { return outcome.status == "dispatched" && assigned == truck }
                guard let lowest = free.min() else { return outcome.status == "rejected" && assigned == nil }
                return outcome.status == "reassigned" && (isLowest ? assigned == lowest : assigned.map(free.contains) == true)
            case .complete(let target):
                guard let truck = holders.first(where: { $0.value == target })?.key else {
                    return outcome.status == "rejected" && outcome.message == "No active shipment \(target)."
                }
                holders[truck] = nil
                return outcome.status == "completed" && assigned == truck
            }
        }
    }

    private static func commands(_ count: Int, trucks: Int, random: inout SeededGenerator) -> [RandomCommand] {
        var commands: [RandomCommand] = []
        while commands.count < count {
            if random.below(8) == 0, !commands.isEmpty {
                commands.append(random.pick(commands))
                continue
            }
            let isDispatch = random.below(5) < 3
            // One beyond the pool, and targets that come later or never.
            let order: Order =
                isDispatch ? .dispatch(truck: 1 + random.below(trucks + 1)) : .complete(target: "c-\(random.below(commands.count + 3))")
            commands.append(
                RandomCommand(id: "\(isDispatch ? "c" : "r")-\(commands.count)", order: order, isExpired: random.below(15) == 0))
        }
        return commands
    }

    @Test(arguments: [ResourceSettings.Choice.random, .lowest])
    func oneByOneEveryCommandIsAnsweredLikeByTheModel(choose: ResourceSettings.Choice) async throws {
        try await Scene.play { scene in
            let seed = UInt64.random(in: 0 ... .max)
            var random = SeededGenerator(seed: seed)
            let trucks = 4
            let dispatching = try Dispatching(scene, trucks: Dispatching.trucks(1...Int32(trucks))) { $0.resource.choose = choose }
            let bridge = try scene.bridge(dispatching)
            var model = Model(pool: Set(1...trucks), isLowest: choose == .lowest)
            for (number, command) in Self.commands(400, trucks: trucks, random: &random).enumerated() {
                let outcome = try dispatching.answer(to: command.text, id: command.id)
                let isRight = model.accept(outcome, to: command)
                try #require(isRight, "seed \(seed), command \(number): \(command.text) -> \(outcome)")
            }
            #expect(try bridge.stop().isEmpty)
        }
    }

    /// What the server's own change stream says, in its order.
    private static func expectNoTruckIsEverHeldTwice(_ dispatching: Dispatching, seed: UInt64) throws {
        var holders: [BSONValue: BSONValue] = [:]
        var held: [BSONValue: BSONValue] = [:]
        for event in try dispatching.scene.events(of: dispatching.settings.collection.collection) {
            let id = try #require(event["documentKey"]?.documentValue?["_id"])
            switch event["operationType"] {
            case "insert":
                guard let document = event["fullDocument"]?.documentValue, document["status"] == "active" else { continue }
                let truck = try #require(document["truck_id"])
                #expect(holders.updateValue(id, forKey: truck) == nil, "seed \(seed): \(truck) has two shipments")
                held[id] = truck
            case "update":
                let changes = event["updateDescription"]?.documentValue?["updatedFields"]?.documentValue
                #expect(changes?["status"] == "completed", "seed \(seed)")
                let truck = held.removeValue(forKey: id)
                holders[try #require(truck, "seed \(seed): \(id) is ended and holds nothing")] = nil
            default: Issue.record("seed \(seed): \(event)")
            }
        }
        let active = try dispatching.shipments().values.filter { $0["status"] == "active" }
        #expect(Set(active.compactMap { $0["truck_id"] }) == Set(holders.keys), "seed \(seed)")
    }

    @Test func whateverComesAndGoesNoTruckIsHeldTwiceAndNoAnswerChanges() async throws {
        try await Scene.play { scene in
            let seed = UInt64.random(in: 0 ... .max)
            var random = SeededGenerator(seed: seed)
            let dispatching = try Dispatching(scene, trucks: Dispatching.trucks(1...5), partitions: 3)
            let folder = try TemporaryFolder()
            let file = try folder.write(dispatching.yaml(), to: "bridge.yaml")
            let commands = Self.commands(1500, trucks: 5, random: &random)
            var rest = commands[...]
            func sendSome(_ count: Int) throws {
                var left = min(count, rest.count)
                while left > 0 {
                    let batch = rest.prefix(min(left, 1 + random.below(60)))
                    try dispatching.send(batch.map(\.text), to: Int32(random.below(3)))
                    rest = rest.dropFirst(batch.count)
                    left -= batch.count
                }
            }
            func answered() -> Int { Set(commands[..<rest.startIndex].map(\.id)).count }
            for life in 0..<4 {
                let before = answered()
                try sendSome(300)
                // A stop, a crash, a stop …
                if life % 2 == 0 {
                    let bridge = try scene.bridge(dispatching)
                    _ = try dispatching.outcomes(ids: before + random.below(answered() - before))
                    #expect(try bridge.stop().isEmpty)
                } else {
                    let program = try BridgeProgram(["run", "--config", file])
                    _ = try dispatching.outcomes(ids: before + random.below(answered() - before))
                    program.signal(SIGKILL)
                    #expect(try program.exitStatus() == -SIGKILL)
                }
            }
            let bridges = [try scene.bridge(dispatching), try scene.bridge(dispatching)]
            try sendSome(300)
            _ = try dispatching.outcomes(ids: answered())
            for bridge in bridges { #expect(try bridge.stop().isEmpty) }
            try #require(rest.isEmpty)
            try Self.expectNoTruckIsEverHeldTwice(dispatching, seed: seed)
            try dispatching.expectConsistent(Set(commands.map(\.id)))
        }
    }
}
