@testable import StreamBridge

extension TestKafka {
    /// The one of all tests that do nothing to its brokers. Their topics have names of their own.
    static let shared = Result { try TestKafka() }
}
