/// How a command ends (contract, section 1): the numbers are those of sysexits.h, and for signals those of a shell.
/// Thrown by a command that has said why.
package enum ExitStatus: Int32, Error, CaseIterable, Encodable {
    case done = 0
    case different = 1
    case usage = 64
    case lostPosition = 65
    case unreachable = 69
    case internalFault = 70
    case output = 74
    case configuration = 78
    case interrupted = 130
    case readerGone = 141
    case terminated = 143

    package var meaning: String {
        switch self {
        case .done: "done; `run`: stopped by a signal"
        case .different: "`verify` found a fault"
        case .usage: "wrong usage"
        case .lostPosition: "stopped because a stored position cannot be used"
        case .unreachable: "a server could not be reached within `startupTimeout`"
        case .internalFault: "internal fault"
        case .output: "the output of the command could not be written: a full disk, a closed stream"
        case .configuration: "something to fix in the configuration or in what it names: a key, a credential, a topic, a limit"
        case .interrupted: "stopped by a signal before it was done, or ended at once by a second SIGINT"
        case .readerGone: "the reader of the output has gone, as in `bridge tail TOPIC \\| head`"
        case .terminated: "ended at once by a second SIGTERM"
        }
    }

    /// What decides a process's exit status: a server that is away explains the rest, and a lost position comes before
    /// a configuration to fix.
    package static func gravest(of statuses: [ExitStatus]) -> ExitStatus? {
        statuses.contains(.unreachable) ? .unreachable : statuses.min { $0.rawValue < $1.rawValue }
    }
}
