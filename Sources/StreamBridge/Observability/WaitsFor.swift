/// What a loop waits for, where nothing has failed: told as a trouble, so that the wait is seen.
struct WaitsFor: Error, CustomStringConvertible {
    let description: String
    /// `other`: whatever keeps it from coming, a server answers. `waiting`: somebody is at work on it, and it comes by itself.
    var kind = RetryClass.other
}
