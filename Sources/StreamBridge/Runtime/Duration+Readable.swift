extension Duration {
    /// For people: `340 ms`, `12 s`, `3 min`, `5 h`, `2 d`.
    package var readable: String {
        let seconds = components.seconds
        switch seconds {
        case ..<10: return "\(seconds * 1000 + components.attoseconds / 1_000_000_000_000_000) ms"
        case ..<600: return "\(seconds) s"
        case ..<36_000: return "\(seconds / 60) min"
        case ..<864_000: return "\(seconds / 3600) h"
        default: return "\(seconds / 86_400) d"
        }
    }
}
