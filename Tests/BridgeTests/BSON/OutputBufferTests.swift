import Mongo
import Testing

@testable import Runtime

@Suite struct OutputBufferTests {
    @Test func growsAndKeepsWhatIsInIt() {
        var buffer = OutputBuffer(capacity: 1)
        var expected: [UInt8] = []
        for number in 0..<5000 {
            let byte = UInt8(truncatingIfNeeded: number)
            buffer.append(byte)
            buffer.append("text")
            buffer.append(contentsOf: [byte, 1, 2])
            expected += [byte] + Array("text".utf8) + [byte, 1, 2]
        }
        #expect(contents(buffer) == expected)
        #expect(count(buffer) == expected.count)
    }

    @Test func keepsItsMemoryForTheNextRecordButNotForEver() {
        var buffer = OutputBuffer(capacity: 100)
        buffer.append(contentsOf: [UInt8](repeating: 7, count: 3 << 20))
        let large = buffer.allocatedBytes
        buffer.removeAll()
        #expect(count(buffer) == 0)
        #expect(memory(buffer) == large)
        buffer.reset(keepingCapacity: 1 << 20)
        #expect(memory(buffer) == 1 << 20)
        buffer.append("again")
        #expect(contents(buffer) == Array("again".utf8))
        buffer.reset(keepingCapacity: 1 << 20)
        #expect(memory(buffer) == 1 << 20)
        #expect(count(buffer) == 0)
    }

    @Test func truncatesToWhatThereIs() {
        var buffer = OutputBuffer(capacity: 16)
        buffer.append("abc")
        buffer.truncate(to: 10)
        #expect(count(buffer) == 3)
        buffer.truncate(to: 1)
        #expect(contents(buffer) == Array("a".utf8))
        buffer.truncate(to: -1)
        #expect(count(buffer) == 0)
    }

    @Test func writesWholeNumbers() {
        var numbers: [Int64] = [.min, .max, 0]
        var power: Int64 = 1
        for _ in 0..<19 {
            numbers += [power - 1, power, power + 1, -power]
            power = power &* 10
        }
        for shift in 0..<63 as Range<Int64> { numbers += [1 << shift, (1 << shift) - 1, -(1 << shift)] }
        numbers += (0..<2000).map { $0 * 7 - 3000 }
        for number in numbers {
            var buffer = OutputBuffer(capacity: 32)
            buffer.append(decimal: number)
            #expect(text(buffer) == number.description)
        }
        var buffer = OutputBuffer(capacity: 32)
        buffer.append(decimal: UInt64.max)
        #expect(text(buffer) == UInt64.max.description)
    }

    /// The short cuts for simple numbers must give what Swift's own formatter gives: the shortest text that reads back
    /// as the number.
    @Test func writesDoublesAsTheShortestTextThatReadsBack() {
        var generator = SeededGenerator(seed: 5)
        var numbers: [Double] = [
            0, -0.0, 0.1, 0.3, 1e-4, 9.999e-5, 1e6, 999_999.999, 0.1 + 0.2, 1e11, 1e15, 1e16, 0x1p53, 0x1p53 - 1, 0x1p54, 123456.789,
        ]
        for _ in 0..<20_000 {
            let digits = Double(generator.next() >> UInt64(generator.below(60) + 4))
            let divisor = generator.pick([1, 10, 100, 1000, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e12, 1e15, 1e20])
            numbers += [digits / divisor, -digits / divisor, (digits / divisor).nextUp, digits * divisor]
            let any = Double(bitPattern: generator.next())
            if any.isFinite { numbers.append(any) }
        }
        var buffer = OutputBuffer(capacity: 64)
        for number in numbers {
            buffer.removeAll()
            buffer.append(finite: number)
            let written = text(buffer)
            if written != expected(number) { Issue.record("\(written) for \(number)") }
        }
    }

    @Test func writesBase64OfEveryLength() {
        // RFC 4648, section 10.
        let vectors = ["": "", "f": "Zg==", "fo": "Zm8=", "foo": "Zm9v", "foob": "Zm9vYg==", "fooba": "Zm9vYmE=", "foobar": "Zm9vYmFy"]
        for (text, encoded) in vectors {
            let bytes = Array(text.utf8)
            var buffer = OutputBuffer(capacity: 8)
            buffer.append(base64: bytes.span.bytes, in: 0..<bytes.count)
            #expect(BridgeTests.text(buffer) == encoded)
        }
    }
}

private func contents(_ buffer: borrowing OutputBuffer) -> [UInt8] { buffer.bytes() }

private func count(_ buffer: borrowing OutputBuffer) -> Int { buffer.count }

private func memory(_ buffer: borrowing OutputBuffer) -> Int { buffer.allocatedBytes }

/// Swift's own text, with the specification's `E`.
private func expected(_ number: Double) -> String { number.description.uppercased() }
