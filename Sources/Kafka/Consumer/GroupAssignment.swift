/// The partitions that a group has given to a member, as its assignor wrote them (ConsumerProtocolAssignment of Kafka's
/// consumers): a version, then for each topic its name and its partitions, all numbers with the high byte first.
package struct GroupAssignment: Equatable {
    private(set) var partitions: [String: [Int32]] = [:]

    /// Nil for other bytes: any client may write anything there.
    init?(_ bytes: [UInt8]) {
        var rest = bytes[...]
        func number<Number: FixedWidthInteger>(_: Number.Type) -> Number? {
            let size = MemoryLayout<Number>.size
            guard rest.count >= size else { return nil }
            defer { rest = rest.dropFirst(size) }
            return rest.prefix(size).reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
        }
        guard number(Int16.self) != nil, let topics = number(Int32.self), topics >= 0 else { return nil }
        for _ in 0..<topics {
            guard let length = number(Int16.self), length >= 0, rest.count >= Int(length) else { return nil }
            let topic = String(decoding: rest.prefix(Int(length)), as: UTF8.self)
            rest = rest.dropFirst(Int(length))
            // Each partition has four bytes: no more are believed than there is room for.
            guard let count = number(Int32.self), count >= 0, Int(count) <= rest.count / 4 else { return nil }
            for _ in 0..<count { if let partition = number(Int32.self) { partitions[topic, default: []].append(partition) } }
        }
    }
}
