import Mongo

@testable import StreamBridge

extension ResumeToken {
    /// A token of the form that servers give, at a cluster time.
    static func sample(_ seconds: UInt32, _ increment: UInt32 = 1) -> ResumeToken {
        ResumeToken(data: "82" + hex(seconds) + hex(increment) + "2B022C0100296E5A1004")
    }

    private static func hex(_ value: UInt32) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}

extension StreamPosition {
    /// The position after the event at a cluster time, which was event number `events`.
    static func sample(_ seconds: UInt32, events: Int64) -> StreamPosition {
        StreamPosition(token: .sample(seconds), wallTime: Int64(seconds) * 1000 + 7, events: events)
    }
}
