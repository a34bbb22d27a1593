@testable import Runtime
@testable import StreamBridge

extension BridgeConfiguration {
    /// What `bridge check` finds.
    func check() throws -> [Finding] {
        let check = Check(configuration: self, logger: .silent)
        let result = Monitor<[Finding]?>(nil)
        Task.detached {
            let findings = await check.run()
            result.update { $0 = findings }
        }
        return try result.wait(for: "the check") { $0 }
    }
}
