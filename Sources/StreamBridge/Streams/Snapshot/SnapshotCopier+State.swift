import Mongo
import Runtime

/// What the threads of a copier share.
extension SnapshotCopier {
    /// Where a read begins: behind a document of a part.
    struct Place {
        var part: Int
        var after: DocumentID?
    }

    struct Mark {
        let number: Int
        let point: SnapshotPoint
        var reads: [Read] = []
        /// Reads that were begun.
        var begun = 0
        /// No read begins here any more.
        var isClosed = false
    }

    /// What one thread reads, in the order in which it is to be published.
    struct Read {
        let number: Int
        var chunks: [SnapshotChunk] = []
        var isOver = false
    }

    struct State {
        /// Where the next read begins.
        var next: Place
        /// Where the publisher is.
        var taken: Place
        var marks: [Mark] = []
        var lastNumber = 0
        /// How many documents make a chunk.
        var size: BatchSize
        /// The mark of a read that was begun and has not said yet where the next one begins: until then no other can
        /// begin.
        var planned: Int?
        /// Read and not taken.
        var bytes = 0
        /// Changes when all marks are given up: what is read for an earlier one is of no use.
        var generation = 0
        var pausedUntil: ContinuousClock.Instant?
        var backoff = Backoff()
        /// Since when reads fail because of their moment, and nothing else.
        var momentsFailSince: ContinuousClock.Instant?
        /// Logins that were refused in a row.
        var refusals = 0
        /// The most documents that the server has time for.
        var maxDocuments = Int.max
        var failure: (any Error)?
        var isClosed = false
        /// When a read was last taken.
        var movedAt: ContinuousClock.Instant = .now
        /// When the calls began that have not returned.
        var pending: [Int: ContinuousClock.Instant] = [:]
    }

    /// A read that a thread is to make.
    struct Turn {
        let number: Int
        let mark: Int
        let point: SnapshotPoint
        let place: Place
        let count: Int
        let generation: Int
        let thread: Int
    }
}

extension SnapshotCopier.State {
    /// Gives every mark up: the next one begins where the publisher is.
    mutating func startAnew() {
        generation += 1
        marks.removeAll()
        bytes = 0
        planned = nil
        next = taken
    }

    /// Where the read of a turn is; nil when its mark was given up.
    func place(of turn: SnapshotCopier.Turn) -> (mark: Int, read: Int)? {
        guard generation == turn.generation, !isClosed, let mark = marks.firstIndex(where: { $0.number == turn.mark }),
            let read = marks[mark].reads.firstIndex(where: { $0.number == turn.number })
        else { return nil }
        return (mark, read)
    }
}
