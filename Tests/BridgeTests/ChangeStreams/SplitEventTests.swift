import Testing

@testable import Mongo
@testable import Runtime
@testable import StreamBridge

/// How fragments become an event again.
@Suite struct SplitEventTests {
    /// Adds fragments; returns the joined event, or nil while some are missing.
    private static func join(_ fragments: [BSONDocument], into split: inout SplitEvent) throws -> BSONDocument? {
        var buffer = OutputBuffer(capacity: 64)
        for (index, fragment) in fragments.enumerated() {
            let bytes = fragment.bytes
            let span = bytes.span.bytes
            let isLast = try split.add(ChangeEvent(of: span, at: 0), of: span)
            guard isLast else { continue }
            #expect(index == fragments.count - 1)
            split.join(into: &buffer)
            #expect(!split.isIncomplete)
            return try buffer.withUnsafeBytes { try BSONDocument(copying: $0) }
        }
        #expect(split.isIncomplete)
        return nil
    }

    private static func join(_ fragments: [BSONDocument]) throws -> BSONDocument? {
        var split = SplitEvent()
        return try join(fragments, into: &split)
    }

    /// A fragment of no more than what tells that it is one.
    private static func fragment(_ number: BSONValue, of count: BSONValue) -> BSONDocument {
        ["_id": ["_data": "82"], "splitEvent": ["fragment": number, "of": count], "part": number]
    }

    @Test func theFieldsAreInTheOrderOfAnUnsplitEvent() throws {
        var event = SampleEvent.update(1)
        event.append("afterwards", "of a pipeline")
        var generator = SeededGenerator(seed: 1)
        for _ in 1...200 {
            // Whatever the sizes of the fields, the server cuts somewhere in their order.
            let names = event.keys.filter { $0 != "_id" && $0 != "afterwards" }.shuffled(using: &generator) + ["afterwards"]
            let cuts = (0..<names.count - 1).shuffled(using: &generator).prefix(Int.random(in: 0...4, using: &generator)).sorted()
            let ends = cuts.map { $0 + 1 } + [names.count]
            let parts = zip([0] + ends, ends).map { Array(names[$0..<$1]) }
            let joined = try Self.join(SampleEvent.fragments(of: event, parts))
            #expect(joined == SampleEvent.joined(event, fragments: parts.count), "\(parts)")
        }
    }

    @Test func fieldsThatNobodyKnowsComeLastInTheOrderInWhichTheyWereSent() throws {
        var event = SampleEvent.insert(1)
        event.append("b", 1)
        event.append("a", 2)
        let joined = try #require(try Self.join(SampleEvent.fragments(of: event, [["b", "ns"], ["a", "documentKey"]])))
        #expect(joined.keys == ["_id", "ns", "documentKey", "b", "a"])
    }

    @Test func oneEventAfterTheOtherIsJoined() throws {
        var split = SplitEvent()
        for number in 1...3 as ClosedRange<Int32> {
            let event = SampleEvent.update(number)
            let joined = try Self.join(SampleEvent.fragments(of: event, SampleEvent.parts), into: &split)
            #expect(joined == SampleEvent.joined(event, fragments: 3))
        }
    }

    @Test(
        arguments: [
            [(1, 3), (3, 3)], [(1, 3), (1, 3)], [(1, 3), (2, 3), (2, 3)], [(1, 3), (2, 2)], [(1, 3), (2, 4)], [(1, 3), (2, 1)], [(0, 2)],
            [(3, 2)],
            [(-1, 2)], [(1, 0)], [(1, -1)], [(.max, .max), (.min, .min)], [(.min, .max)],
        ] as [[(Int32, Int32)]])
    func aFragmentThatIsNotTheNextOneIsRefused(_ places: [(Int32, Int32)]) throws {
        let halt = try #require(throws: Halt.self) {
            _ = try Self.join(places.map { Self.fragment(.int32($0.0), of: .int32($0.1)) })
        }
        #expect(halt.reason.contains("large event"))
        #expect(!halt.remedy.isEmpty)
    }

    @Test func anotherEventAmidTheFragmentsIsRefused() throws {
        let halt = try #require(throws: Halt.self) {
            _ = try Self.join([Self.fragment(1, of: 2), SampleEvent.insert(1)])
        }
        #expect(halt.reason.contains("another event where fragment 2 of 2"))
        #expect(halt.status == .internalFault)
    }

    @Test func aStreamThatBeginsAmidAnEventIsToldWhatToTakeInstead() throws {
        let halt = try #require(throws: Halt.self) { _ = try Self.join([Self.fragment(2, of: 3)]) }
        #expect(halt.remedy == "Take the token of a whole event as the start")
        #expect(halt.status == .lostPosition)
    }

    @Test(
        arguments: [
            [:], ["fragment": 1], ["of": 1], ["fragment": "1", "of": 2], ["fragment": .int64(1), "of": .int64(2)],
            ["fragment": 1.5, "of": 2],
            ["fragment": .null, "of": .null], ["fragment": ["fragment": 1], "of": [1]],
        ] as [BSONDocument])
    func aPlaceThatCannotBeReadIsRefused(_ place: BSONDocument) throws {
        #expect(throws: Halt.self) { _ = try Self.join([["_id": ["_data": "82"], "splitEvent": .document(place)]]) }
    }

    /// A field of a pipeline's that has this name and is no document is none of ours.
    @Test(arguments: [1, "text", .null, [1, 2]] as [BSONValue])
    func aFieldOfTheSameNameThatIsNoDocumentIsNoPlace(_ value: BSONValue) throws {
        let bytes = SampleEvent.insert(1) { $0.append("splitEvent", value) }.bytes
        #expect(try ChangeEvent(of: bytes.span.bytes, at: 0).split == nil)
    }

    @Test func damagedFragmentsAreErrorsAndNeverTraps() throws {
        let fragments = SampleEvent.fragments(of: SampleEvent.update(1), SampleEvent.parts).map(\.bytes)
        var generator = SeededGenerator(seed: 2)
        var refused = 0
        for index in fragments.indices {
            for place in fragments[index].indices {
                var damaged = fragments
                damaged[index][place] = UInt8.random(in: 0...255, using: &generator)
                if !Self.joins(damaged) { refused += 1 }
            }
            for length in fragments[index].indices {
                var cut = fragments
                cut[index] = Array(cut[index].prefix(length))
                #expect(!Self.joins(cut))
            }
        }
        #expect(refused > 100)
    }

    /// Whether these bytes could be joined; an error that is not one of the typed ones is recorded.
    private static func joins(_ fragments: [[UInt8]]) -> Bool {
        var split = SplitEvent()
        var buffer = OutputBuffer(capacity: 64)
        do {
            for bytes in fragments {
                let span = bytes.span.bytes
                if try split.add(ChangeEvent(of: span, at: 0), of: span) { split.join(into: &buffer) }
            }
            return !split.isIncomplete
        } catch is BSONError {
            return false
        } catch is Halt {
            return false
        } catch {
            Issue.record(error)
            return false
        }
    }

    @Test func threeFieldsOf16MBAreJoinedAndMoreThan64MBAreRefused() throws {
        func fragments(_ count: Int32) -> [BSONDocument] {
            (1...count).map { number in
                var fragment = Self.fragment(.int32(number), of: .int32(count))
                fragment.append("large\(number)", .string(String(repeating: "x", count: 16 << 20)))
                return fragment
            }
        }
        #expect(try Self.join(fragments(3))?.bytes.count ?? 0 > 48 << 20)
        let halt = try #require(throws: Halt.self) { _ = try Self.join(fragments(5)) }
        #expect(halt.reason == "an event has more than 64 MiB in 4 of its 5 fragments")
        #expect(halt.status == .configuration)
    }
}
