import Kafka

/// A record, as a person writes where it is.
package struct RecordPlace: Sendable, Equatable, CustomStringConvertible {
    package let topic: String
    package let coordinates: RecordCoordinates

    /// Reads TOPIC/PARTITION/OFFSET, or TOPIC/PARTITION@OFFSET as `bridge tail` prints it; nil for anything else.
    package init?(_ text: String) {
        // Neither sign can be part of a topic's name.
        let parts = text.replacing("@", with: "/").split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, let coordinates = RecordCoordinates(String(parts[1])) else { return nil }
        topic = String(parts[0])
        self.coordinates = coordinates
    }

    package var description: String { "\(topic)/\(coordinates)" }
}
