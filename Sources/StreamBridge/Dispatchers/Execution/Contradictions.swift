import Mongo
import Runtime

/// Looks after resources that the server calls free and an index refuses all the same. Used on one worker's thread, for
/// one round of a batch.
///
/// Once is no wonder: another writer has taken it between the look and the insert. But where the two do not mean the
/// same (an index that is damaged, or that takes for equal what the bridge does not), the same look gives the same
/// resource for good, and the round would turn for ever.
struct Contradictions {
    /// The server answers, and contradicts itself.
    private static let maxConsecutive = 5

    private let context: DispatchContext
    private let patience: MongoRetry
    /// So many refusals are told, even where somebody holds the resource each time.
    private static let maxUnreported = 10
    /// How often a resource was refused.
    private var counts: [Resource: Int] = [:]
    /// How often in a row no document held it then.
    private var unheld: [Resource: Int] = [:]
    private var refusals: [Resource: WriteReply.Refusal] = [:]
    private var backoff = Backoff(initial: .milliseconds(20), cap: .seconds(1))

    init(context: DispatchContext, patience: MongoRetry) {
        self.context = context
        self.patience = patience
    }

    /// A round begins.
    mutating func begin() {
        counts.removeAll()
        unheld.removeAll()
        refusals.removeAll()
        backoff.reset()
    }

    /// - Parameter resource: which the server had called free.
    mutating func refused(_ resource: Resource, by refusal: WriteReply.Refusal) { refusals[resource] = refusal }

    /// Looks for who holds the resources that were refused a second time.
    ///
    /// - Parameters:
    ///   - refused: resources that the server had called free, and then refused.
    ///   - time: of the refusal.
    /// - Throws: ``Halt`` when nobody holds one of them, again and again; ``BatchAbandoned``.
    mutating func settle(_ refused: [Resource], after time: BSONTimestamp?, of batch: CommandBatch) throws {
        for resource in refused {
            let count = counts[resource, default: 0] + 1
            counts[resource] = count
            guard count > 1, let resources = context.resources, let refusal = refusals[resource] else { continue }
            let isHeld = try patience.untilAnswered(batch) {
                try context.pool.withClient { client throws(MongoError) in try resources.isHeld(resource, after: time, of: client) }
            }
            let halt = GuardIndex.halt(refusing: resource, by: refusal, dispatcher: context.settings)
            if isHeld {
                // Others take it away and give it back, again and again: they make progress.
                unheld[resource] = 0
                if count >= Self.maxUnreported {
                    patience.failed(
                        WaitsFor(
                            description:
                                "others take \(context.settings.resource.field) \(resource) of \(context.settings.collection) each time "
                                + "that it was free"))
                }
            } else {
                unheld[resource, default: 0] += 1
                guard unheld[resource, default: 0] < Self.maxConsecutive else { throw halt }
                patience.failed(WaitsFor(description: halt.reason))
            }
            try patience.wait(for: backoff.next(), batch)
        }
    }
}
