/// How many bytes one stream may hold, and where.
package struct StreamMemory: Sendable, Equatable {
    /// Events of one getMore. Large enough that its round trip is no cost, small enough that three of them are nothing.
    package let batchBytes: Int
    /// Batches that wait for the publisher.
    package let handoffBytes: Int
    /// Records in librdkafka's queue, keys and values.
    package let producerBytes: Int

    /// Shares a bridge's limit among its streams.
    ///
    /// A record's headers, librdkafka's own structures and the driver's receive buffer come on top of the counted
    /// bytes, about as much again; so half of the limit is given out.
    package init(limit: Int, streams: Int) {
        let share = limit / 2 / max(1, streams)
        batchBytes = min(max(share / 16, 64 << 10), 1 << 20)
        handoffBytes = min(max(share / 8, 256 << 10), 4 << 20)
        producerBytes = min(max(share / 2, 1 << 20), 16 << 20)
    }
}
