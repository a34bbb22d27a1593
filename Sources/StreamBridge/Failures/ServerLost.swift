/// The server that a getMore waits for is gone.
struct ServerLost: Error, CustomStringConvertible {
    let description = "the server that the change stream was read from does not answer"
}
