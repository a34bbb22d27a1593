/// Whether a lost position is gone past, and how often that is tried.
struct LostPositionSkip {
    /// With the backoff between them about half a minute.
    private static let maxTries = 8

    let policy: LostPositionPolicy
    /// The position that the next session continues past.
    private(set) var lost: LostPosition?
    private var tries = 0

    init(policy: LostPositionPolicy) { self.policy = policy }

    /// Takes note of a position that was refused.
    ///
    /// - Returns: false when the stream has to halt.
    mutating func admits(_ lost: LostPosition) -> Bool {
        guard policy != .halt else { return false }
        if lost.position.token == self.lost?.position.token {
            tries += 1
        } else {
            self.lost = lost
            tries = 0
        }
        return tries < Self.maxTries
    }

    /// - Parameter latest: what the last try ended with.
    func halt(of latest: LostPosition, stream: String, gaps: String) -> Halt {
        let halt = latest.halt(stream: stream, gaps: gaps)
        guard tries > 0 else { return halt }
        return Halt(
            reason: "\(halt.reason). Going on by onLostPosition: \(policy.rawValue) was refused as well, \(tries) times",
            remedy:
                "If the oplog is cut faster than the stream is opened, keep a larger one: db.adminCommand({replSetResizeOplog: 1, size: "
                + "MEGABYTES}). Otherwise it is the pipeline: put it back as it was, with _id untouched",
            status: .lostPosition)
    }
}
