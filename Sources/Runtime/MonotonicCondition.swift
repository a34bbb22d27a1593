import Foundation

/// A lock, and a condition whose time-outs are of the monotonic clock.
///
/// Foundation's `NSCondition` waits until a time of day. When the machine's clock is set back by an hour, as NTP or an
/// administrator may do, a backoff of 100 ms would last an hour.
package struct MonotonicCondition: ~Copyable {
    // On the heap: a lock must not move, and may be used by threads that hold only a shared reference to its owner.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    package init() {
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        condition.initialize(to: pthread_cond_t())
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        condition.deinitialize(count: 1).deallocate()
        pthread_mutex_destroy(mutex)
        mutex.deinitialize(count: 1).deallocate()
    }

    package func lock() { pthread_mutex_lock(mutex) }

    package func unlock() { pthread_mutex_unlock(mutex) }

    /// Wakes everyone who waits.
    package func broadcast() { pthread_cond_broadcast(condition) }

    /// Waits for a wake-up, which may come without a reason. Under the lock.
    package func wait() { pthread_cond_wait(condition, mutex) }

    /// Waits for a wake-up, which may come without a reason. Under the lock.
    ///
    /// - Returns: false when the deadline has passed.
    package func wait(until deadline: MonotonicDeadline) -> Bool {
        var time = deadline.time
        return pthread_cond_timedwait(condition, mutex, &time) == 0
    }
}

/// A moment of the monotonic clock, which nobody sets.
package struct MonotonicDeadline {
    package let time: timespec

    /// - Parameter limit: what is longer than a century is a century.
    package init(after limit: Duration) {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        let (seconds, attoseconds) = max(.zero, min(limit, Self.century)).components
        let nanoseconds = Int64(now.tv_nsec) + attoseconds / 1_000_000_000
        time = timespec(tv_sec: now.tv_sec + Int(seconds + nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    }

    private static let century: Duration = .seconds(3_155_760_000)
}
