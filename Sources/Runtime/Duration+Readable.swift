extension Duration {
    /// For people: `340 ms`, `2.5 s`, `12 s`, `3 min`, `5 h`, `2 d`.
    package var readable: String {
        let seconds = components.seconds
        let milliseconds = components.attoseconds / 1_000_000_000_000_000
        switch seconds {
        case ..<1: return "\(seconds * 1000 + milliseconds) ms"
        case ..<10: return milliseconds < 100 ? "\(seconds) s" : "\(seconds).\(milliseconds / 100) s"
        case ..<600: return "\(seconds) s"
        case ..<36_000: return "\(seconds / 60) min"
        case ..<864_000: return "\(seconds / 3600) h"
        default: return "\(seconds / 86_400) d"
        }
    }
}
