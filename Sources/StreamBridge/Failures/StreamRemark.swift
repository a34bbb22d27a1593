/// Something about a stream that its own events would not tell: why it cannot work, or why it will not do what was
/// probably meant. The same at the start of the stream, in its log, and in `bridge check`.
struct StreamRemark: Sendable, Equatable {
    let id: FindingID
    let text: String
    let remedy: String
    /// The stream cannot continue.
    let isFault: Bool

    static func fault(_ id: FindingID, _ text: String, remedy: String) -> StreamRemark {
        StreamRemark(id: id, text: text, remedy: remedy, isFault: true)
    }

    static func warning(_ id: FindingID, _ text: String, remedy: String) -> StreamRemark {
        StreamRemark(id: id, text: text, remedy: remedy, isFault: false)
    }

    var halt: Halt { Halt(reason: text, remedy: remedy, status: .configuration) }
}
