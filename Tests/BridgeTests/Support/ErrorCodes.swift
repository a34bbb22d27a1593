import Kafka
import Mongo
import StreamBridge

// Tests name any code by its number, also those that the bridge does not know.
extension MongoError.Code: ExpressibleByIntegerLiteral {
    /// A code by its number.
    public init(integerLiteral value: Int32) { self.init(rawValue: value) }
}

extension KafkaError.Code: ExpressibleByIntegerLiteral {
    /// A code by its number.
    public init(integerLiteral value: Int32) { self.init(rawValue: value) }
}

/// Swift Testing has a type of that name, too.
typealias ExitStatus = StreamBridge.ExitStatus
