import Runtime

/// Names what somebody begins: a replay, a snapshot.
enum MomentID {
    /// The moment, with something at the end that another one of the same second has not: `20261129T004500-3f2a`.
    static func make() -> String {
        let time = StoredPosition.iso8601(milliseconds: WallClock.milliseconds()).prefix(19).filter { $0.isNumber || $0 == "T" }
        return "\(time)-\(String(UInt16.random(in: 0x1000 ... .max), radix: 16))"
    }
}
