import Mongo

extension ConfigurationChecks {
    /// The drivers' own word on a URI and on Kafka properties. Opens no connection.
    package static let drivers = ConfigurationChecks(
        uri: { MongoClientPool.fault(inURI: $0) },
        kafkaProperty: { name, value, _ in KafkaProperties.fault(name: name, value: value) },
        kafkaPropertyNames: { KafkaProperties.names() }
    )
}
