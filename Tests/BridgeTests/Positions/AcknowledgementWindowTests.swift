import Testing

@testable import StreamBridge

@Suite struct AcknowledgementWindowTests {
    /// One thing that happens to a window: spans are named by the order in which they were opened, from 0.
    enum Move {
        case send(Int)
        case seal
        case acknowledge(span: Int, Int)
        /// What is covered now, by the number of the seal, from 0; nil for nothing new.
        case covers(Int?)
        case isEmpty(Bool)
    }

    @Test(
        arguments: [
            (
                "a span is covered once all its records are",
                [.send(2), .seal, .acknowledge(span: 0, 1), .covers(nil), .acknowledge(span: 0, 1), .covers(0)]
            ),
            ("acknowledged before the seal", [.send(1), .acknowledge(span: 0, 1), .covers(nil), .seal, .covers(0)]),
            (
                "a later span waits for an earlier one",
                [
                    .send(1), .seal, .send(1), .seal, .acknowledge(span: 1, 1), .covers(nil), .acknowledge(span: 0, 1), .covers(1),
                ]
            ),
            (
                "a gap in the middle",
                [
                    .send(1), .seal, .send(1), .seal, .send(1), .seal, .acknowledge(span: 2, 1), .acknowledge(span: 0, 1), .covers(0),
                    .acknowledge(span: 1, 1), .covers(2),
                ]
            ),
            (
                "an empty span behind an open one waits too",
                [.send(1), .seal, .seal, .seal, .covers(nil), .acknowledge(span: 0, 1), .covers(2)]
            ),
            ("an idle token is covered at once", [.seal, .covers(0), .seal, .covers(1), .covers(nil)]),
            ("records without a seal cover nothing", [.send(3), .acknowledge(span: 0, 3), .covers(nil), .isEmpty(true)]),
            (
                "records of the open span do not hold back what was sealed before",
                [
                    .send(1), .seal, .send(5), .acknowledge(span: 0, 1), .covers(0), .isEmpty(false),
                ]
            ),
            ("a covered position is told once", [.send(1), .seal, .acknowledge(span: 0, 1), .covers(0), .covers(nil), .isEmpty(true)]),
            ("empty from the start", [.isEmpty(true), .covers(nil)]),
        ] as [(String, [Move])])
    func coversInOrder(_ name: String, _ moves: [Move]) {
        var window = AcknowledgementWindow<StreamPosition>()
        var tags = [window.tag]
        for move in moves {
            switch move {
            case .send(let count): for _ in 0..<count { window.sent() }
            case .seal:
                window.seal(.sample(UInt32(tags.count - 1), events: 0))
                tags.append(window.tag)
            case .acknowledge(let span, let count): window.acknowledged(tag: tags[span], count: count)
            case .covers(let seal): #expect(window.takeCovered() == seal.map { .sample(UInt32($0), events: 0) }, "\(name)")
            case .isEmpty(let expected): #expect(window.isEmpty == expected, "\(name)")
            }
        }
    }

    @Test func aTagIsNeverZeroAndNeverUsedTwice() {
        var window = AcknowledgementWindow<StreamPosition>()
        var tags: Set<UInt> = []
        for number in 0..<500 {
            #expect(window.tag != 0)
            #expect(tags.insert(window.tag).inserted)
            window.sent()
            window.acknowledged(tag: window.tag, count: 1)
            window.seal(.sample(UInt32(number), events: 0))
        }
    }

    /// Kafka is away, and MongoDB's token moves on twice a second.
    @Test func anIdleStreamDoesNotGrowWhileARecordIsUnacknowledged() {
        var window = AcknowledgementWindow<Int>()
        let tag = window.tag
        window.sent()
        for position in 1...10_000 { window.move(to: position) }
        #expect(window.count <= 3)
        #expect(window.takeCovered() == nil)
        let later = window.tag
        window.sent()
        window.move(to: 10_001)
        window.acknowledged(tag: tag, count: 1)
        #expect(window.takeCovered() == 10_000)
        window.acknowledged(tag: later, count: 1)
        #expect(window.takeCovered() == 10_001)
    }

    /// A plain list of all records decides what may be covered; the window has to agree after every step.
    @Test(arguments: 0..<40 as Range<UInt64>, [false, true])
    func agreesWithAPlainModel(seed: UInt64, moves: Bool) {
        var generator = SeededGenerator(seed: seed)
        var window = AcknowledgementWindow<StreamPosition>()
        var spans: [(tag: UInt, outstanding: Int, position: StreamPosition?)] = [(window.tag, 0, nil)]
        var reported = -1
        for step in 0..<2_000 {
            switch Int.random(in: 0..<10, using: &generator) {
            case 0..<4:
                window.sent()
                spans[spans.count - 1].outstanding += 1
            case 4..<6:
                let position = StreamPosition.sample(UInt32(step), events: Int64(step))
                if moves { window.move(to: position) } else { window.seal(position) }
                guard window.tag != spans[spans.count - 1].tag else {
                    // No record lies between the last position and this one.
                    spans[spans.count - 2].position = position
                    continue
                }
                spans[spans.count - 1].position = position
                spans.append((window.tag, 0, nil))
            default:
                guard let index = spans.indices.filter({ spans[$0].outstanding > 0 }).randomElement(using: &generator) else { continue }
                let count = Int.random(in: 1...spans[index].outstanding, using: &generator)
                spans[index].outstanding -= count
                window.acknowledged(tag: spans[index].tag, count: count)
            }
            let safe = (spans.firstIndex { $0.outstanding > 0 || $0.position == nil } ?? spans.count) - 1
            let expected = safe > reported ? spans[safe].position : nil
            reported = max(reported, safe)
            guard window.takeCovered() == expected, window.isEmpty == spans.allSatisfy({ $0.outstanding == 0 }) else {
                Issue.record("the window and the model disagree after step \(step)")
                return
            }
        }
    }

    @Test func everyPositionThatBecameCoveredIsTakenOnceAndInOrder() {
        var window = AcknowledgementWindow<Int>()
        var tags: [UInt] = []
        for position in 0..<200 {
            tags.append(window.tag)
            window.sent()
            window.seal(position)
        }
        #expect(window.takeAllCovered().isEmpty)
        for position in (1..<200).reversed() { window.acknowledged(tag: tags[position], count: 1) }
        #expect(window.takeAllCovered().isEmpty)
        #expect(!window.isEmpty)
        window.acknowledged(tag: tags[0], count: 1)
        #expect(window.takeAllCovered() == Array(0..<200))
        #expect(window.takeAllCovered().isEmpty)
        #expect(window.takeCovered() == nil)
        #expect(window.isEmpty)
        window.seal(200)
        #expect(window.takeAllCovered() == [200])
    }
}
