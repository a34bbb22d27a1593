import Kafka

/// The transactions of a copy, one after another: records, and behind them how far the copy has come.
struct CopyTransaction {
    let sender: TransactionalSender
    let ledger: KafkaTopic
    /// With those of the open transaction.
    private(set) var copied: Int64
    private(set) var isOpen = false
    private(set) var records = 0
    private var bytes = 0
    private var since: ContinuousClock.Instant = .now

    init(sender: TransactionalSender, ledger: KafkaTopic, copied: Int64) {
        self.sender = sender
        self.ledger = ledger
        self.copied = copied
    }

    /// How long nothing was committed or sent.
    var idleTime: Duration { isOpen ? .zero : since.duration(to: .now) }

    func isDue(_ maximum: (time: Duration, records: Int, bytes: Int)) -> Bool {
        isOpen && (since.duration(to: .now) >= maximum.time || records >= maximum.records || bytes >= maximum.bytes)
    }

    mutating func send(_ record: OutgoingRecord, to topic: KafkaTopic) throws(KafkaError) {
        try open()
        try sender.send(record, to: topic)
        copied += 1
        records += 1
        bytes += record.size
    }

    private mutating func open() throws(KafkaError) {
        guard !isOpen else { return }
        try sender.begin()
        isOpen = true
        since = .now
    }

    /// - Returns: what is stored now.
    mutating func commit(_ record: TopicCopyRecord, state: ReplayState, within limit: Duration) throws(KafkaError) -> TopicCopyRecord {
        try open()
        var record = record
        record.copied = copied
        record.state = state
        try sender.send(OutgoingRecord(key: Array(record.id.utf8), value: record.json), to: ledger)
        try sender.commit(until: .now + limit)
        isOpen = false
        records = 0
        bytes = 0
        since = .now
        return record
    }

    mutating func abandon() {
        if isOpen { sender.abandon() }
        isOpen = false
    }
}
