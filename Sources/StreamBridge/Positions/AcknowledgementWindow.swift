/// The contiguous low-water mark of acknowledged records: which position has every record before it stored by the
/// broker.
///
/// Records are counted by span; a span ends at a position (``seal(_:)``). A position is covered when its own span and
/// all earlier ones are acknowledged, in whatever order the acknowledgements come. Pure: no clock, no I/O.
///
/// The window belongs to one session of one producer and dies with both, so an acknowledgement that comes late, for a
/// session that was given up, has no window to move: it cannot resurrect an abandoned position (docs/GUARANTEES.md,
/// rule 8).
struct AcknowledgementWindow<Position> {
    private struct Span {
        var outstanding = 0
        /// Nothing was sent in it.
        var isUnused = true
        /// Set when the span is sealed.
        var position: Position?
    }

    /// Open and sealed spans that are not covered yet; the last one is open.
    private var spans: [Span] = [Span()]
    /// Spans before this index are covered and only wait to be dropped together.
    private var head = 0
    /// The tag of `spans[0]`.
    private var firstTag: UInt = 1
    private var covered: [Position] = []

    /// The tag of the open span: a record produced now carries it. Never 0.
    var tag: UInt { firstTag + UInt(spans.count - 1) }

    /// Nothing is unacknowledged.
    var isEmpty: Bool { spans[head...].allSatisfy { $0.outstanding == 0 } }

    init() {}

    /// A record was produced with ``tag``.
    mutating func sent() {
        spans[spans.count - 1].outstanding += 1
        spans[spans.count - 1].isUnused = false
    }

    /// Ends the open span: `position` covers all records sent so far.
    mutating func seal(_ position: Position) {
        spans[spans.count - 1].position = position
        spans.append(Span())
        advance()
    }

    /// Like ``seal(_:)``, for positions of which only the newest counts: where no record lies between two, the later
    /// takes the place of the earlier. So an idle stream, which seals twice a second, does not grow while a record
    /// waits for Kafka.
    mutating func move(to position: Position) {
        let newest = spans.count - 2
        guard newest >= head, spans[newest + 1].isUnused else { return seal(position) }
        spans[newest].position = position
    }

    /// How many spans are kept.
    var count: Int { spans.count }

    /// `count` records with `tag` are stored.
    mutating func acknowledged(tag: UInt, count: Int) {
        let index = Int(tag - firstTag)
        spans[index].outstanding -= count
        if index == head { advance() }
    }

    /// The newest position that became covered since the last call.
    mutating func takeCovered() -> Position? { takeAllCovered().last }

    /// Every position that became covered since the last call, in their order.
    mutating func takeAllCovered() -> [Position] {
        defer { covered.removeAll(keepingCapacity: true) }
        return covered
    }

    private mutating func advance() {
        while spans[head].outstanding == 0, let position = spans[head].position {
            covered.append(position)
            head += 1
        }
        guard head >= 64 else { return }
        spans.removeFirst(head)
        firstTag += UInt(head)
        head = 0
    }
}
