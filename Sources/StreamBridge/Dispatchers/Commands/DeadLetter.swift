/// Why a record is put aside.
struct DeadLetter: Sendable, Equatable {
    /// The server's code as a number; `malformed` for what is not JSON, `invalid` for what is no command, ``idTaken``.
    let code: String
    let message: String

    /// The code of a command without an id whose coordinates name another command.
    static let idTaken = "idTaken"

    /// In a record that was sent back: the dead letter that it was.
    static let redrivenHeader = "bridge.redriven"
}
