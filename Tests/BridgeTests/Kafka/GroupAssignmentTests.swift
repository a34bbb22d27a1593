import Testing

@testable import Kafka
@testable import StreamBridge

@Suite struct GroupAssignmentTests {
    /// Version 1, topics `a` with partitions 0 and 258 and `bc` with none, and some of the assignor's own.
    private static let bytes: [UInt8] = [
        0, 1, 0, 0, 0, 2, 0, 1, 0x61, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1, 2, 0, 2, 0x62, 0x63, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
    ]

    @Test func readsWhatAnAssignorWrites() { #expect(GroupAssignment(Self.bytes)?.partitions == ["a": [0, 258]]) }

    @Test func whatIsCutOffIsNone() {
        for count in 0..<29 { #expect(GroupAssignment(Array(Self.bytes.prefix(count))) == nil, "\(count)") }
        #expect(GroupAssignment(Array(Self.bytes.prefix(29))) != nil)
    }

    @Test func numbersFromOutsideAreChecked() {
        for place in Self.bytes.indices {
            for byte in [0x7f, 0x80, 0xff] as [UInt8] {
                var bytes = Self.bytes
                bytes[place] = byte
                _ = GroupAssignment(bytes)
            }
        }
        #expect(GroupAssignment([0, 0, 0x7f, 0xff, 0xff, 0xff]) == nil)
        #expect(GroupAssignment([0, 0, 0, 0, 0, 1, 0, 0, 0x7f, 0xff, 0xff, 0xff]) == nil)
    }
}
