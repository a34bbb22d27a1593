import Kafka
import Mongo
import Runtime

/// What the stories of the demo play on.
struct Stage: Sendable {
    let mongoDB: MongoClientPool
    let kafka: KafkaSettings
    let stop: StopSignal
    /// Takes the lines for a person, in order.
    let print: @Sendable (String) -> Void

    static let writeConcern: BSONValue = ["w": "majority", "wtimeout": 5000]
}

/// A stop was asked for before the stories were told.
struct StoppedEarly: Error {}
