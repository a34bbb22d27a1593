/// What a handed-over item weighs.
package protocol HandoffItem: Sendable {
    var byteCount: Int { get }
    /// Of what it consists of: events, answers.
    var count: Int { get }
}

/// A bounded queue from one thread to another: bounded in bytes and in items, blocking the giver when full.
///
/// A blocked giver sends no getMore: that is the back-pressure to MongoDB. An item larger than the bound passes alone.
/// A giver whose items may be large asks for room before it makes the next one.
package final class BatchHandoff<Item: HandoffItem>: Sendable {
    private struct State {
        var items: [Item] = []
        var bytes = 0
        /// Of the item that was taken last.
        var bytesInWork = 0
        var countInWork = 0
        var isClosed = false
        var failure: (any Error)?
    }

    package let maximumBytes: Int
    private let maximumItems: Int
    private let wakeTaker: @Sendable () -> Void
    private let state = Monitor(State())

    /// - Parameter wakeTaker: called after each change that the taker wants to know of, outside the lock. The taker
    ///   does not wait here: it waits for Kafka's events and for batches at the same place, the producer's queue.
    package init(maximumBytes: Int, maximumItems: Int, wakeTaker: @escaping @Sendable () -> Void) {
        self.maximumBytes = maximumBytes
        self.maximumItems = maximumItems
        self.wakeTaker = wakeTaker
    }

    /// Blocks while the queue is full.
    ///
    /// - Returns: false when the taker has closed the queue; the item is dropped.
    package func put(_ item: Item) -> Bool {
        let isTaken = state.wait { state -> Bool? in
            if state.isClosed { return false }
            let fits = state.items.count < maximumItems && state.bytes + item.byteCount <= maximumBytes
            guard fits || state.items.isEmpty else { return nil }
            state.items.append(item)
            state.bytes += item.byteCount
            return true
        }
        if isTaken { wakeTaker() }
        return isTaken
    }

    /// Blocks until there is room for one more item, of whatever size: what waits, and what the taker has in hand until
    /// its next ``take()``, is below the bounds.
    ///
    /// - Returns: false when the taker has closed the queue.
    package func awaitRoom() -> Bool {
        state.wait { state -> Bool? in
            if state.isClosed { return false }
            let hasRoom = state.items.count < maximumItems && state.bytes + state.bytesInWork < maximumBytes
            return hasRoom ? true : nil
        }
    }

    /// The giver cannot continue; the taker sees `error` after the items before it.
    package func fail(_ error: any Error) {
        state.update { $0.failure = $0.failure ?? error }
        wakeTaker()
    }

    /// What waits, and what the taker has in hand.
    package var load: (count: Int, bytes: Int) {
        state.read { state in (state.items.reduce(state.countInWork) { $0 + $1.count }, state.bytes + state.bytesInWork) }
    }

    /// What waits, without what the taker has in hand.
    package var waiting: Int { state.read { $0.items.reduce(0) { $0 + $1.count } } }

    /// The taker is gone.
    package var isAbandoned: Bool { state.read { $0.isClosed } }

    /// Nothing waits now.
    package var isEmpty: Bool { state.read { $0.items.isEmpty } }

    /// The next item, or nil when there is none now. The taker is done with the last one.
    ///
    /// - Throws: the giver's failure, when nothing is left before it.
    package func take() throws -> Item? {
        try state.update { state throws in
            state.bytesInWork = 0
            state.countInWork = 0
            guard !state.items.isEmpty else {
                if let failure = state.failure { throw failure }
                return nil
            }
            let item = state.items.removeFirst()
            state.bytes -= item.byteCount
            state.bytesInWork = item.byteCount
            state.countInWork = item.count
            return item
        }
    }

    /// The taker is gone: a blocked or later ``put(_:)`` returns false.
    package func close() {
        state.update {
            $0.isClosed = true
            $0.items.removeAll()
            $0.bytes = 0
        }
    }
}
