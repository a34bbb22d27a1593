/// The delivery guarantee of a stream.
package enum Delivery: String, Sendable, Equatable, CaseIterable {
    case exactlyOnce = "exactly-once"
    case atLeastOnce = "at-least-once"
}
