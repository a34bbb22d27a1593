import Mongo
import Runtime
import Synchronization

/// Whether a collection is still the one that the snapshot began with: it may be dropped, renamed, or made anew under
/// its name.
///
/// The documents of one that was made anew have events of their own. Looked at once a second while its documents are
/// read, and when they are over. Any thread.
final class CollectionGuard: Sendable {
    private static let interval: Duration = .seconds(1)

    private let collections: [(namespace: Namespace, uuid: [UInt8]?)]
    private let lookedAt = Mutex<[Int: ContinuousClock.Instant]>([:])

    /// - Parameter collections: by part, with their UUIDs; nil for one that nobody knows, which is not looked at.
    init(_ collections: [(namespace: Namespace, uuid: [UInt8]?)]) { self.collections = collections }

    /// - Throws: ``MongoError``.
    func isThere(_ part: Int, atOnce: Bool = false, of client: borrowing MongoClient) throws(MongoError) -> Bool {
        guard let uuid = collections[part].uuid else { return true }
        let isDue = lookedAt.withLock { looked in
            if !atOnce, let last = looked[part], last.duration(to: .now) < Self.interval { return false }
            looked[part] = .now
            return true
        }
        guard isDue else { return true }
        let namespace = collections[part].namespace
        let found = try WatchedCollections.find(of: .collection(namespace), withOptions: true, client)
        return found?.entries.contains { $0.namespace == namespace && $0.uuid == uuid } ?? true
    }
}
