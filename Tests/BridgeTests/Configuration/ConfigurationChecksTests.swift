import Testing

@testable import StreamBridge

/// What the drivers say of values, as faults of the configuration.
@Suite struct ConfigurationChecksTests {
    /// The driver ignores an option that it does not know, and only logs it: a misspelt `tls` would mean plain text.
    @Test func aMisspeltOptionOfAURIIsAFault() throws {
        let fault = try #require(ConfigurationChecks.drivers.uri("mongodb://127.0.0.1:27017/?replicaSet=rs0&tsl=true"))
        #expect(fault.contains("tsl"))
    }

    @Test func anUnknownKafkaPropertyIsAFault() {
        #expect(ConfigurationChecks.drivers.kafkaProperty("linger.mss", "5", .producer)?.contains("linger.mss") == true)
        #expect(ConfigurationChecks.drivers.kafkaProperty("linger.ms", "5", .producer) == nil)
        #expect(ConfigurationChecks.drivers.kafkaPropertyNames().contains("linger.ms"))
    }
}
