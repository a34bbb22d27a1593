/// What a loop waits for, where nothing has failed: told as a trouble, so that the wait is seen.
package struct WaitsFor: Error, CustomStringConvertible {
    package let description: String
    /// `other`: whatever keeps it from coming, a server answers. `waiting`: somebody is at work on it, and it comes by
    /// itself.
    package var kind: RetryClass

    package init(description: String, kind: RetryClass = .other) {
        self.description = description
        self.kind = kind
    }
}
