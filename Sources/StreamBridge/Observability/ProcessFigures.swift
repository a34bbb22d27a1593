import Foundation

/// What the system says of this process, as in Prometheus' client libraries. A value that the system does not tell is
/// nil.
struct ProcessFigures {
    /// User and system time.
    let cpuSeconds: Double
    let residentBytes: Int?
    let openFiles: Int?
    let maxFiles: Int?

    init() {
        // POSIX: a million to the second.
        cpuSeconds = Double(clock()) / 1e6
        // proc(5): the second number is the resident set, in pages.
        let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ").dropFirst().first
            .flatMap { Int($0) }
        residentBytes = pages.map { $0 * Int(sysconf(Int32(_SC_PAGESIZE))) }
        openFiles = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd"))?.count
        var limit = rlimit()
        #if canImport(Glibc)
            let isTold = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
        #else
            let isTold = getrlimit(RLIMIT_NOFILE, &limit) == 0
        #endif
        maxFiles = isTold ? Int(clamping: limit.rlim_cur) : nil
    }
}
