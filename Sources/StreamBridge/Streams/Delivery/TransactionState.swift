import Mongo

/// Where a publisher with Kafka transactions stands: what it has published since the last stored position, and when its
/// transaction is to be committed. Told what happened, asked what is due. Pure: no clock, no I/O.
///
///     idle ─ open ─▸ open ─ commit ─▸ committing ─ commitEnded ─▸ idle      any ─ fail ─▸ failed, for good
///
/// A position is sealed when it covers everything published so far, and stored in the transaction of those records. One
/// that only moved, with nothing published, can wait (``StreamPosition/idleStoreInterval``). While the sealed position
/// is within a MongoDB transaction, its end is awaited, so that readers see all of its events at once.
struct TransactionState {
    enum Phase: Equatable {
        case idle
        case open(since: ContinuousClock.Instant)
        case committing
        /// The transaction can only be aborted, and the session ends.
        case failed
    }

    /// Far below `transaction.timeout.ms`: nobody waits long for what is published.
    static let maxTime: Duration = .milliseconds(100)
    static let maxBytes = 8 << 20
    /// The same while the end of a MongoDB transaction is awaited. Readers of committed records wait as long for
    /// whatever lies behind in the same partitions, and the broker aborts what is open for `transaction.timeout.ms`, a
    /// minute by default.
    static let maxGroupTime: Duration = .seconds(10)
    static let maxGroupBytes = 64 << 20

    private let maxGroupTime: Duration
    private(set) var phase = Phase.idle
    /// What covers everything published so far; nil when the position that is stored or being stored does.
    private(set) var sealed: StreamPosition?
    /// Nothing was published after the sealed position: what is not covered by it must not be committed with it.
    private var isCovered = true
    /// What the commit that is on its way stores.
    private var committing: StreamPosition?
    private(set) var lastStored: StreamPosition?
    private var lastStoredAt: ContinuousClock.Instant
    /// Of the open transaction.
    private var bytes = 0
    private var records = 0

    /// - Parameter transactionTimeout: the broker's patience with an open transaction.
    init(transactionTimeout: Duration, at now: ContinuousClock.Instant) {
        maxGroupTime = min(Self.maxGroupTime, transactionTimeout / 2)
        lastStoredAt = now
    }

    // MARK: What happened

    /// The session begins at a position that is stored.
    mutating func resume(after stored: StreamPosition) { lastStored = stored }

    mutating func open(at now: ContinuousClock.Instant) { phase = .open(since: now) }

    /// A batch goes into the open transaction.
    mutating func take(bytes: Int) {
        isCovered = false
        self.bytes += bytes
    }

    /// Kafka's client has taken a record.
    mutating func countRecord() { records += 1 }

    mutating func seal(_ position: StreamPosition) {
        sealed = position
        isCovered = true
        settleSealed()
    }

    /// The open transaction, with this position in it, is being committed; with nil it stores none that is new.
    mutating func commit(_ position: StreamPosition?) {
        if position != nil { sealed = nil }
        committing = position
        phase = .committing
    }

    /// - Returns: what is stored now, and how many records came before it; nil when nothing new is.
    mutating func commitEnded(at now: ContinuousClock.Instant) -> (position: StreamPosition, records: Int)? {
        let stored = committing.map { (position: $0, records: records) }
        if let position = committing {
            lastStored = position
            lastStoredAt = now
        }
        committing = nil
        records = 0
        bytes = 0
        phase = .idle
        settleSealed()
        return stored
    }

    mutating func fail() { phase = .failed }

    /// What is stored already, or on its way, needs no transaction.
    private mutating func settleSealed() {
        switch phase {
        case .idle: if sealed == lastStored { sealed = nil }
        case .committing: if sealed == committing { sealed = nil }
        case .open, .failed: break
        }
    }

    // MARK: What is due

    /// The position that a transaction may store now; nil while records are not covered by it.
    var storable: StreamPosition? { isCovered ? sealed : nil }

    /// The sealed position is within a MongoDB transaction.
    private var isAmidGroup: Bool { sealed?.transaction != nil }

    /// The open transaction is to be committed now.
    func isDue(at now: ContinuousClock.Instant, isStopping: Bool) -> Bool {
        guard case .open(let since) = phase, storable != nil else { return false }
        let age = since.duration(to: now)
        if isAmidGroup { return age >= maxGroupTime || bytes >= Self.maxGroupBytes }
        // At a stop, so that the part of a MongoDB transaction that may follow is given up alone.
        return age >= Self.maxTime || bytes >= Self.maxBytes || isStopping
    }

    /// The open transaction is to be committed when the change stream has no more.
    var isDueWhenCaughtUp: Bool {
        guard case .open = phase else { return false }
        return storable != nil && !isAmidGroup
    }

    /// A position that only moved is to be stored now, in a transaction of its own.
    func isDueAlone(at now: ContinuousClock.Instant) -> Bool { phase == .idle && storable != nil && now >= whenAlone }

    /// A token that only moved can wait; without a stored one nothing can.
    private var whenAlone: ContinuousClock.Instant {
        lastStored == nil ? lastStoredAt : lastStoredAt + StreamPosition.idleStoreInterval
    }

    /// When one of them is due even if nothing happens.
    var nextDeadline: ContinuousClock.Instant? {
        guard storable != nil else { return nil }
        return switch phase {
        case .open(let since): since + (isAmidGroup ? maxGroupTime : Self.maxTime)
        case .idle: whenAlone
        case .committing, .failed: nil
        }
    }

    /// The open transaction has a part of a MongoDB transaction and nothing behind it: at a stop the next session
    /// publishes all of it.
    var isPartOfGroup: Bool {
        guard case .open = phase else { return false }
        return storable != nil && isAmidGroup
    }
}
