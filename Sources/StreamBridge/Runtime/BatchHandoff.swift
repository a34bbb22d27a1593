import Foundation

/// What a handed-over item weighs.
protocol HandoffItem: Sendable {
    var byteCount: Int { get }
}

/// A bounded queue from one thread to another: bounded in bytes and in items, blocking the giver when full.
///
/// A blocked giver sends no getMore: that is the back-pressure to MongoDB. An item larger than the bound passes alone.
final class BatchHandoff<Item: HandoffItem>: @unchecked Sendable {
    // Safe: every stored property is read and written under `condition`'s lock only.
    private let condition = NSCondition()
    private let maximumBytes: Int
    private let maximumItems: Int
    private let wakeTaker: @Sendable () -> Void
    private var items: [Item] = []
    private var bytes = 0
    private var isClosed = false
    private var failure: (any Error)?

    /// - Parameter wakeTaker: called after each change that the taker wants to know of, outside the lock. The taker does not wait here:
    ///   it waits for Kafka's events and for batches at the same place, the producer's queue.
    init(maximumBytes: Int, maximumItems: Int, wakeTaker: @escaping @Sendable () -> Void) {
        self.maximumBytes = maximumBytes
        self.maximumItems = maximumItems
        self.wakeTaker = wakeTaker
    }

    /// Blocks while the queue is full.
    ///
    /// - Returns: false when the taker has closed the queue; the item is dropped.
    func put(_ item: Item) -> Bool {
        condition.lock()
        while !isClosed, !items.isEmpty, items.count >= maximumItems || bytes + item.byteCount > maximumBytes { condition.wait() }
        guard !isClosed else {
            condition.unlock()
            return false
        }
        items.append(item)
        bytes += item.byteCount
        condition.unlock()
        wakeTaker()
        return true
    }

    /// The giver cannot go on; the taker sees `error` after the items before it.
    func fail(_ error: any Error) {
        condition.lock()
        failure = failure ?? error
        condition.unlock()
        wakeTaker()
    }

    /// The taker is gone.
    var isAbandoned: Bool {
        condition.lock()
        defer { condition.unlock() }
        return isClosed
    }

    /// Nothing waits now.
    var isEmpty: Bool {
        condition.lock()
        defer { condition.unlock() }
        return items.isEmpty
    }

    /// The next item, or nil when there is none now.
    ///
    /// - Throws: the giver's failure, when nothing is left before it.
    func take() throws -> Item? {
        condition.lock()
        defer { condition.unlock() }
        guard !items.isEmpty else {
            if let failure { throw failure }
            return nil
        }
        let item = items.removeFirst()
        bytes -= item.byteCount
        condition.signal()
        return item
    }

    /// The taker is gone: a blocked or later ``put(_:)`` returns false.
    func close() {
        condition.lock()
        isClosed = true
        items.removeAll()
        bytes = 0
        condition.broadcast()
        condition.unlock()
    }
}
