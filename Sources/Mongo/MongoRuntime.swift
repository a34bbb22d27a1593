import CMongo
import Synchronization

/// libmongoc's process-wide state.
package enum MongoRuntime {
    private static let initialised: Void = {
        // The driver's own lines repeat what its errors say and would land on standard error in a format of their own.
        mongoc_log_set_handler({ _, _, _, _ in }, nil)
        mongoc_init()
    }()

    /// Initialises libmongoc, once, before its first use. Any thread.
    static func start() { initialised }
}
