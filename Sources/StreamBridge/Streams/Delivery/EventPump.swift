import Kafka
import Mongo
import Runtime

/// Encodes, routes and publishes the events of what the reader handed over, in order, then seals its position.
///
/// The events of a MongoDB transaction follow one another in the change stream. A position between them is sealed as
/// such, so that the publisher can keep them together; and before the first event of one that the batch may not have
/// all of, the position is sealed, so that what came before need not wait for its end. (Of the transactions that begin
/// and end within a batch nobody sees a part: amid a batch nothing else is sealed but what came before a large event in
/// fragments, as within its transaction where it is.)
struct EventPump: ~Copyable {
    private let publisher: any RecordSink
    private let encoder: EventEncoder
    private var router: TopicRouter
    private let stream: String
    private let format: RecordFormat
    private var lookup: DocumentLookup?
    private let took: (OperationCounts) -> Void
    private let leaveOut: ((UnwritableEvent) -> Void)?
    /// The event that was read last, if it is one of those.
    private var leftOut: UnwritableEvent?
    /// Events of the batch that is being published.
    private var counts = OperationCounts()
    private var records = RecordBatch()
    /// Events published over the life of the position.
    private var events: Int64
    private var wallTime: Int64?
    /// By record of the batch: its event's place in its MongoDB transaction.
    private var places: [TransactionPlace?] = []
    /// The last event's place in its MongoDB transaction.
    private var place: TransactionPlace?
    /// Fragments of a large event that are not all here yet.
    private var split = SplitEvent()
    /// The end of the last batch.
    private var end: ResumeToken?
    /// Nil when everything is published.
    private let range: EventRange?
    /// Of the snapshot that runs beside the stream: every position says how far it is.
    var snapshot: SnapshotProgress?
    /// An event behind the range came.
    private(set) var isThrough = false

    /// - Parameters:
    ///   - replicaSet: of the deployment; nil for a sharded cluster.
    ///   - range: what of the change stream is published; nil for all of it.
    ///   - lookup: for `fullDocument: batchedLookup`.
    ///   - took: called after each batch with the events that were encoded.
    ///   - stored: the position that the session begins at.
    ///   - leaveOut: gets what cannot be written, where that is left out; nil where it halts the stream.
    ///   - isCompacted: whether a topic is.
    ///   - open: ensures that a topic exists and makes its handle.
    init(
        settings: StreamSettings, origin: RecordOrigin = .live, replicaSet: String? = nil, range: EventRange? = nil,
        publisher: any RecordSink, lookup: DocumentLookup?, after stored: StreamPosition?,
        took: @escaping (OperationCounts) -> Void = { _ in }, leaveOut: ((UnwritableEvent) -> Void)? = nil,
        isCompacted: @escaping (String) -> Bool = { _ in false }, open: @escaping (String) throws -> KafkaTopic
    ) {
        self.publisher = publisher
        self.range = range
        self.lookup = lookup
        self.took = took
        events = stored?.events ?? 0
        wallTime = stored?.wallTime
        place = stored?.transaction
        snapshot = stored?.snapshot
        stream = settings.name
        format = settings.format
        encoder = EventEncoder(settings, origin: origin, replicaSet: replicaSet)
        router = TopicRouter(settings, isCompacted: isCompacted, open: open)
        self.leaveOut = leaveOut
    }

    mutating func publish(_ batch: ChangeStreamReader.Batch) throws {
        defer {
            if batch.events != nil {
                took(counts)
                counts.reset()
            }
        }
        try batch.events?.withEvents { bytes, events in try publish(events, of: bytes, openTransaction: batch.openTransaction) }
        // A position between fragments would lose those before it: the next batch has more, and seals what is published
        // as well.
        guard let token = batch.token, !split.isIncomplete, !isThrough else { return }
        // A stream that was opened again says nothing of what follows, except by a later time.
        let isOpen = batch.events == nil ? token.clusterTime == place?.id.clusterTime : batch.openTransaction != nil
        if !isOpen { place = nil }
        end = token
        try publisher.seal(position(at: token, place))
    }

    /// - Parameter openTransaction: the MongoDB transaction that the batch may not have all of.
    private mutating func publish(_ events: BSONCursor, of bytes: RawSpan, openTransaction: TransactionID?) throws {
        var done: Done?
        do {
            try encode(events, of: bytes, openTransaction: openTransaction, done: &done)
            try flush(of: bytes, done: &done)
            // Whatever follows is not wanted, so nothing of an open transaction is awaited.
            if isThrough, let done { try seal(after: Done(event: done.event), of: bytes) }
        } catch {
            if !(error is RecordRefused) { try flush(of: bytes, done: &done) }
            if let done { try seal(after: done, of: bytes) }
            throw error
        }
    }

    /// Encodes the events one after another, and publishes their records whenever there are enough.
    private mutating func encode(
        _ events: BSONCursor, of bytes: RawSpan, openTransaction: TransactionID?, done: inout Done?
    ) throws {
        var events = events
        // Looked up for so many more events.
        var (documents, covered) = (LookedUpDocuments(), 0)
        // An event with its looked-up document.
        var spliced = OutputBuffer(capacity: 4 << 10)
        while true {
            if lookup != nil, covered == 0 {
                // What was there goes before what comes.
                documents = LookedUpDocuments()
                try lookup?.ask(for: events, in: bytes)
                (documents, covered) = try awaitDocuments(before: events, of: bytes, done: &done)
            }
            guard let element = try events.next(in: bytes) else { return }
            covered -= 1
            let event = try ChangeEvent(of: bytes, at: element.value.lowerBound)
            let next = TransactionPlace.next(after: place, of: event.transaction)
            guard isInRange(event, of: bytes, next: next) else {
                if isThrough { return }
                continue
            }
            if event.split != nil || split.isIncomplete {
                // The first fragment names the transaction: the server puts the small fields first.
                if !split.isIncomplete { try sealBefore(next, of: bytes, done: &done) }
                try encode(fragment: event, of: bytes)
            } else {
                if let next, next.index == 0, next.id == openTransaction { try sealBefore(next, of: bytes, done: &done) }
                place = next
                if lookup != nil, try documents.splice(event, of: bytes, into: &spliced) {
                    try encode(whole: spliced, origin: event.start)
                } else {
                    try encode(event, of: bytes, origin: event.start)
                }
            }
            if records.isFull || leftOut != nil { try flush(of: bytes, done: &done) }
            // Behind what came before it.
            if let event = leftOut { leaveOut?(event) }
            leftOut = nil
        }
    }

    /// Whether an event is to be published. One before the range counts for its MongoDB transaction; one behind it ends
    /// the reading.
    private mutating func isInRange(_ event: ChangeEvent, of bytes: RawSpan, next: TransactionPlace?) -> Bool {
        guard let range, !split.isIncomplete, let token = event.tokenData(in: bytes) else { return true }
        isThrough = range.isBehind(token)
        if isThrough { return false }
        guard range.isBefore(token) else { return true }
        if event.split.map({ $0.fragment == 1 }) ?? true { place = next }
        return false
    }

    /// Waits for the documents that were asked for. An answer that takes long holds up nothing that came before: it is
    /// sealed, and the publisher is served meanwhile, so that an open Kafka transaction ends as it would otherwise.
    private mutating func awaitDocuments(before events: BSONCursor, of bytes: RawSpan, done: inout Done?) throws -> (
        documents: LookedUpDocuments, events: Int
    ) {
        var isSealed = false
        while true {
            if let slice = try lookup?.next(within: Self.lookupTick) { return (slice.documents, slice.events) }
            if !isSealed, !split.isIncomplete {
                var events = events
                if let next = try events.next(in: bytes) {
                    let event = try ChangeEvent(of: bytes, at: next.value.lowerBound)
                    try sealBefore(TransactionPlace.next(after: place, of: event.transaction), of: bytes, done: &done)
                    try publisher.endLinger(isCaughtUp: true)
                }
                isSealed = true
            }
            try publisher.serve(timeout: .zero)
        }
    }

    /// How long an answer may take before the publisher is served.
    private static let lookupTick: Duration = .milliseconds(200)

    /// Seals what came before an event: as within a transaction only if the event continues with it.
    ///
    /// - Parameter next: the place of the event.
    private mutating func sealBefore(_ next: TransactionPlace?, of bytes: RawSpan, done: inout Done?) throws {
        try flush(of: bytes, done: &done)
        let isWithin = next.map { $0.index > 0 } ?? false
        if !isWithin { place = nil }
        if let done {
            try seal(after: isWithin ? done : Done(event: done.event), of: bytes)
        } else if let end, !isWithin {
            // The transaction that was open there has ended, as is known now.
            try publisher.seal(position(at: end, nil))
        }
    }

    /// Joins a fragment of a large event to those before it, and encodes the event with the last one.
    private mutating func encode(fragment: ChangeEvent, of bytes: RawSpan) throws {
        guard try split.add(fragment, of: bytes) else { return }
        var joined = OutputBuffer(capacity: 0)
        split.join(into: &joined)
        var isSpliced = false
        var spliced = OutputBuffer(capacity: 0)
        try joined.withUnsafeBytes { buffer throws in
            let event = try ChangeEvent(of: buffer.bytes, at: 0)
            place = TransactionPlace.next(after: place, of: event.transaction)
            if lookup != nil {
                try lookup?.ask(for: event, in: buffer.bytes)
                let documents = try awaitDocument()
                isSpliced = try documents.splice(event, of: buffer.bytes, into: &spliced)
            }
        }
        if isSpliced {
            try encode(whole: spliced, origin: fragment.start)
        } else {
            try encode(whole: joined, origin: fragment.start)
        }
    }

    /// Waits for the document of a large event. What came before its first fragment is sealed.
    private mutating func awaitDocument() throws -> LookedUpDocuments {
        while true {
            if let slice = try lookup?.next(within: Self.lookupTick) { return slice.documents }
            try publisher.serve(timeout: .zero)
        }
    }

    /// Encodes an event that has a buffer of its own.
    private mutating func encode(whole buffer: borrowing OutputBuffer, origin: Int) throws {
        try buffer.withUnsafeBytes { buffer throws in
            try encode(ChangeEvent(of: buffer.bytes, at: 0), of: buffer.bytes, origin: origin)
        }
    }

    /// Seals the position after an event of this batch.
    private mutating func seal(after done: Done, of bytes: RawSpan) throws {
        let event = try ChangeEvent(of: bytes, at: done.event)
        // Later events may be encoded, too, but this position is before them.
        wallTime = event.wallTime ?? wallTime
        if let token = try event.resumeToken(in: bytes) { try publisher.seal(position(at: token, done.place)) }
    }

    /// - Parameter origin: where the event is in the batch that it was read from.
    private mutating func encode(_ event: ChangeEvent, of bytes: RawSpan, origin: Int) throws {
        guard encoder.publishes(event), let route = try router.route(of: event, in: bytes) else { return }
        do {
            try encoder.encode(event, of: bytes, route: route, origin: origin, place: place, into: &records)
            while places.count < records.records.count { places.append(place) }
        } catch {
            let unwritable = UnwritableEvent(
                event, of: bytes, because: error, isOfKey: !encoder.canWriteKey(of: event, in: bytes), route: route)
            guard leaveOut != nil else { throw unwritable.halt(format: format, stream: stream) }
            leftOut = unwritable
            return
        }
        counts.count(event.kind, bytes: event.range.count)
        events += 1
        if let time = event.wallTime { wallTime = time }
    }

    /// The last event whose records were all taken over: where a restart begins when a later one is refused.
    private struct Done {
        let event: Int
        var place: TransactionPlace?

        init(event: Int) { self.event = event }

        init(_ record: RecordBatch.Record, place: TransactionPlace?) {
            event = record.event
            self.place = place
        }
    }

    private mutating func flush(of bytes: RawSpan, done: inout Done?) throws {
        guard let last = records.records.last else { return }
        // However it ends: the publisher may have taken some of them, so they are not offered to it a second time.
        defer {
            records.removeAll()
            places.removeAll(keepingCapacity: true)
        }
        do {
            try publisher.publish(records, to: router.topics)
            done = Done(last, place: places.last ?? nil)
        } catch let refused as RecordRefused {
            if let index = refused.index {
                // An event with two records is done when both are, so the refused one's event is not.
                let event = records.records[index].event
                done =
                    records.records[..<index].lastIndex { $0.event != event }.map { Done(records.records[$0], place: places[$0]) } ?? done
                events -= Int64(Set(records.records[index...].map(\.event)).count)
            }
            throw refused
        }
    }

    private func position(at token: ResumeToken, _ place: TransactionPlace?) -> StreamPosition {
        StreamPosition(token: token, wallTime: wallTime, events: events, transaction: place, snapshot: snapshot)
    }

    /// Seals how far a snapshot is, at the point of the stream where its documents were published.
    mutating func seal(_ progress: SnapshotProgress?, at token: ResumeToken) throws {
        snapshot = progress
        try publisher.seal(position(at: token, nil))
    }
}
