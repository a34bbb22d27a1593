/// Whether something of a replay is left.
enum ReplayState: String, Sendable {
    case running, done
}
