import Kafka
import Mongo

extension ConfigurationChecks {
    /// The drivers' own word on a URI and on Kafka properties, and the modes of files. Opens no connection.
    package static let drivers = ConfigurationChecks(
        uri: { MongoClientPool.fault(inURI: $0) },
        kafkaProperty: { name, value, _ in KafkaProperties.fault(name: name, value: value) },
        kafkaPropertyNames: { KafkaProperties.names() },
        uriKeyFile: { (try? MongoLogin(uri: $0))?.keyFile },
        secretFile: { SecretFile.exposure(of: $0) }
    )
}
