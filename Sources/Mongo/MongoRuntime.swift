import CMongo
import Synchronization

/// libmongoc's process-wide state.
package enum MongoRuntime {
    private static let initialised: Void = {
        // The driver's own lines repeat what its errors say and would land on standard error in a format of their own.
        // What it says of a URI, though, it says nowhere else.
        mongoc_log_set_handler(
            { _, _, text, _ in
                guard let text else { return }
                MongoRuntime.complaints.withLock { $0?.append(String(cString: text)) }
            }, nil)
        mongoc_init()
        returnLargeBuffers()
    }()

    /// Lets large buffers go back to the system as soon as they are freed.
    ///
    /// By itself glibc raises its threshold for that to the largest buffer that was ever freed, up to 32 MB, and keeps
    /// twice as much of free memory in the arena of each thread: a document of 15 MB that passes through costs 30 MB
    /// for good. Batches are smaller than the threshold that is set here: their memory is used again.
    private static func returnLargeBuffers() {
        #if canImport(Glibc)
            _ = mallopt(M_MMAP_THRESHOLD, 4 << 20)
        #endif
    }

    /// What the driver logged while somebody listened; nil while nobody does.
    private static let complaints = Mutex<[String]?>(nil)

    /// One listens at a time.
    private static let turn = Mutex(())

    /// Runs `body` and returns everything that the driver logged meanwhile. Before any client is made.
    static func complaints(during body: () -> Void) -> [String] {
        start()
        return turn.withLock { _ in
            complaints.withLock { $0 = [] }
            body()
            return complaints.withLock { list in
                defer { list = nil }
                return list ?? []
            }
        }
    }

    /// Initialises libmongoc, once, before its first use. Any thread.
    static func start() { initialised }
}
