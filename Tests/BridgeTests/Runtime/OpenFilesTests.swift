import Foundation
import Testing

@testable import Runtime
@testable import StreamBridge

@Suite struct OpenFilesTests {
    @Test func theSoftLimitBecomesTheHardOne() throws {
        var before = rlimit()
        let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #expect(getrlimit(kind, &before) == 0)
        OpenFiles.raiseLimit()
        #expect(OpenFiles.limit == UInt64(before.rlim_max))
        var after = rlimit()
        #expect(getrlimit(kind, &after) == 0)
        #expect(after.rlim_cur == before.rlim_max)
        #expect(after.rlim_max == before.rlim_max)
    }

    @Test func manyStreamsOnSeveralBrokersNeedMoreThanMostSystemsGive() {
        #expect(OpenFiles.needed(parts: 50, brokers: 1) < 1024)
        #expect(OpenFiles.needed(parts: 50, brokers: 3) > 1024)
    }
}
