/// An error of the bridge's own that another try would meet again, and that knows what to do about it.
protocol HaltingError: Error {
    /// - Parameters:
    ///   - stream: for the sentences, as `bridge` is.
    func halt(ofStream stream: String, bridge: String) -> Halt
}
