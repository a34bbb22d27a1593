/// Where a stream is to continue, as a person writes it.
package enum PositionPlace: Sendable, Equatable {
    case start(StartPoint)
    /// Behind the event that a published record has.
    case record(RecordPlace)

    /// Reads `oldest`, `now`, a token, `seconds.increment`, a time, or TOPIC/PARTITION/OFFSET.
    ///
    /// - Throws: a sentence that says what can be written.
    package init(argument text: String) throws {
        if let record = RecordPlace(text) {
            self = .record(record)
            return
        }
        do {
            self = .start(try StartPoint(argument: text))
        } catch {
            throw Unreadable(text: text)
        }
    }

    package struct Unreadable: Error, CustomStringConvertible {
        let text: String
        package var description: String {
            "write a resume token (82…), a time such as 2026-01-31T00:00:00Z, a cluster time such as 1651826079.1, oldest, now, or a record's "
                + "TOPIC/PARTITION/OFFSET; found \(text)"
        }
    }
}
