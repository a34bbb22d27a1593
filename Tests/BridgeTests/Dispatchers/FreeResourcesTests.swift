import Mongo
import Testing

@testable import StreamBridge

@Suite struct FreeResourcesTests {
    private static func time(_ seconds: UInt32) -> BSONTimestamp { BSONTimestamp(seconds: seconds, increment: 1) }

    private static func resources(_ numbers: ClosedRange<Int64>) -> [Resource] { numbers.map { Resource($0) } }

    private static func filled(_ choose: ResourceSettings.Choice, _ numbers: ClosedRange<Int64>, busy: Set<Resource> = []) -> FreeResources
    {
        var free = FreeResources(choose: choose)
        free.fill(pool: resources(numbers), busy: busy, asOf: time(10))
        return free
    }

    private static func takeAll(_ free: inout FreeResources) -> [Resource] {
        var taken: [Resource] = []
        while let resource = free.take() { taken.append(resource) }
        return taken
    }

    @Test(arguments: ResourceSettings.Choice.allCases)
    func givesEachFreeOneOnceAndNoBusyOne(choose: ResourceSettings.Choice) {
        var free = Self.filled(choose, 1...100, busy: Set(Self.resources(41...60)))
        #expect(free.count == 80)
        #expect(free.poolCount == 100)
        let taken = Self.takeAll(&free)
        #expect(taken.count == 80)
        #expect(Set(taken) == Set(Self.resources(1...40) + Self.resources(61...100)))
        #expect(free.count == 0)
        // What is taken counts as busy until somebody says otherwise.
        #expect(free.seemsBusy(Resource.number(1)))
    }

    @Test func theLowestComesFirst() {
        var free = FreeResources(choose: .lowest)
        free.fill(
            pool: [Resource.text("b"), Resource.number(30), Resource.text("a"), Resource.number(-2), Resource.number(4)],
            busy: [Resource.number(-2)], asOf: Self.time(1))
        #expect(free.take() == Resource.number(4))
        free.release(Resource.number(-2), asOf: Self.time(2))
        free.release(Resource.number(4), asOf: Self.time(2))
        #expect(
            Self.takeAll(&free) == [Resource.number(-2), Resource.number(4), Resource.number(30), Resource.text("a"), Resource.text("b")])
    }

    @Test func randomIsNotAlwaysTheSame() {
        let firsts = (0..<200).map { _ in
            var free = Self.filled(.random, 1...50)
            return free.take()
        }
        #expect(Set(firsts).count > 1)
    }

    @Test(arguments: ResourceSettings.Choice.allCases)
    func nothingOlderReplacesWhatIsKnown(choose: ResourceSettings.Choice) {
        var free = Self.filled(choose, 1...1)
        let one = Resource.number(1)
        free.occupy(one, asOf: Self.time(9))
        #expect(!free.seemsBusy(one))
        free.occupy(one, asOf: Self.time(12))
        #expect(free.seemsBusy(one))
        free.release(one, asOf: Self.time(11))
        #expect(free.seemsBusy(one))
        free.release(one, asOf: Self.time(12))
        #expect(!free.seemsBusy(one))
        free.occupy(one, asOf: Self.time(11))
        #expect(!free.seemsBusy(one))
        // The same again changes nothing.
        free.release(one, asOf: Self.time(13))
        free.release(one, asOf: Self.time(14))
        #expect(free.count == 1)
        #expect(Self.takeAll(&free) == [one])
    }

    @Test(arguments: ResourceSettings.Choice.allCases)
    func strangersToThePoolAreLeftAlone(choose: ResourceSettings.Choice) {
        var free = Self.filled(choose, 1...2)
        free.release(Resource.number(9), asOf: Self.time(20))
        free.occupy(Resource.number(9), asOf: Self.time(20))
        free.giveBack(Resource.number(9))
        free.withdraw(Resource.number(9))
        #expect(free.poolCount == 2)
        #expect(free.count == 2)
        #expect(!free.seemsBusy(Resource.number(9)))
    }

    @Test(arguments: ResourceSettings.Choice.allCases)
    func membersComeAndGo(choose: ResourceSettings.Choice) {
        var free = Self.filled(choose, 1...3)
        free.add(Resource.number(4), asOf: Self.time(20))
        #expect(free.count == 4)
        free.occupy(Resource.number(4), asOf: Self.time(21))
        free.add(Resource.number(4), asOf: Self.time(22))
        #expect(free.seemsBusy(Resource.number(4)), "one that is known already is not made free")
        free.withdraw(Resource.number(2))
        free.withdraw(Resource.number(4))
        #expect(Set(Self.takeAll(&free)) == [Resource.number(1), Resource.number(3)])
        #expect(free.poolCount == 3 - 1)
        // Taken, and gone meanwhile: it does not come back.
        free.withdraw(Resource.number(1))
        free.giveBack(Resource.number(1))
        free.giveBack(Resource.number(3))
        #expect(Self.takeAll(&free) == [Resource.number(3)])
        // The server says so, whatever was known.
        free.discover(Resource.number(3))
        free.discover(Resource.number(7))
        #expect(Set(Self.takeAll(&free)) == [Resource.number(3), Resource.number(7)])
    }

    @Test func aFillBeginsAnew() {
        var free = Self.filled(.lowest, 1...3)
        free.occupy(Resource.number(1), asOf: Self.time(50))
        free.fill(pool: Self.resources(1...2), busy: [Resource.number(2)], asOf: Self.time(20))
        #expect(free.poolCount == 2)
        #expect(Self.takeAll(&free) == [Resource.number(1)])
    }

    @Test func comingsAndGoingsDoNotPileUp() throws {
        var free = Self.filled(.lowest, 1...100)
        for round in 0..<UInt32(20_000) {
            free.occupy(Resource(Int64(1 + round % 100)), asOf: Self.time(11 + round))
            free.release(Resource(Int64(1 + round % 100)), asOf: Self.time(11 + round))
        }
        let heap = try #require(Mirror(reflecting: free).descendant("heap", "_storage") as? ContiguousArray<Resource>)
        #expect(heap.count <= 2 * 100 + 65)
        #expect(Self.takeAll(&free) == Self.resources(1...100))
    }

    /// What it should know, without any cleverness.
    private struct Reference {
        var members: [Resource: (isFree: Bool, asOf: BSONTimestamp)] = [:]

        mutating func set(_ resource: Resource, isFree: Bool, asOf time: BSONTimestamp) {
            guard let known = members[resource], known.asOf <= time else { return }
            members[resource] = (isFree, time)
        }
    }

    @Test(arguments: ResourceSettings.Choice.allCases)
    func randomChangesAgreeWithAReference(choose: ResourceSettings.Choice) throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        var free = FreeResources(choose: choose)
        var reference = Reference()
        for step in 0..<20_000 {
            let resource = Resource(Int64(random.below(30)))
            let time = Self.time(UInt32(random.below(20) + step / 100))
            switch random.below(9) {
            case 0, 1:
                free.release(resource, asOf: time)
                reference.set(resource, isFree: true, asOf: time)
            case 2, 3:
                free.occupy(resource, asOf: time)
                reference.set(resource, isFree: false, asOf: time)
            case 4:
                free.add(resource, asOf: time)
                if reference.members[resource] == nil { reference.members[resource] = (true, time) }
            case 5:
                free.withdraw(resource)
                reference.members[resource] = nil
            case 6:
                free.giveBack(resource)
                reference.members[resource]?.isFree = true
            default:
                let expected = reference.members.filter(\.value.isFree).keys
                let taken = free.take()
                if choose == .lowest { #expect(taken == expected.min(), "seed \(seed)") }
                try #require(taken.map(expected.contains) ?? expected.isEmpty, "seed \(seed), step \(step)")
                if let taken { reference.members[taken]?.isFree = false }
            }
            let count = reference.members.values.filter(\.isFree).count
            try #require(free.count == count && free.poolCount == reference.members.count, "seed \(seed), step \(step)")
        }
    }
}
