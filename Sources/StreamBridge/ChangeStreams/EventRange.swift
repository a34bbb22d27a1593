import Mongo

/// A part of a change stream.
struct EventRange: Sendable {
    enum Place: Sendable {
        /// A resume token's text.
        case token(String)
        case time(BSONTimestamp)
    }

    /// Where the change stream is opened.
    let start: ChangeStreamOptions.Start
    /// Begins behind a token, or at a time.
    let from: Place
    /// The last place that belongs to it.
    let to: Place
    /// The deployment's newest time before the change stream was opened: a read up to it has everything.
    let newest: BSONTimestamp?

    /// Tokens of one deployment compare like their `_data`. One whose time cannot be read is in every range of times.
    ///
    /// - Parameter token: its text, or its `_data` alone.
    func isBefore(_ token: String) -> Bool {
        switch from {
        case .token(let place): ResumeToken.data(ofText: token) <= ResumeToken.data(ofText: place)
        case .time(let place): ResumeToken(text: token).clusterTime.map { $0 < place } ?? false
        }
    }

    func isBehind(_ token: String) -> Bool {
        switch to {
        case .token(let place): ResumeToken.data(ofText: token) > ResumeToken.data(ofText: place)
        case .time(let place): ResumeToken(text: token).clusterTime.map { $0 > place } ?? false
        }
    }

    /// Whether nothing of the range comes after a batch.
    ///
    /// A stored position may be a tick ahead of all that the server has written, and on an idle deployment no batch
    /// would ever reach it.
    func ends(with batch: ChangeStreamReader.Batch) -> Bool {
        guard let token = batch.token, let data = token.data else { return false }
        if isBehind(data) { return true }
        if case .token(let place) = to, data == ResumeToken.data(ofText: place) { return true }
        guard let events = batch.events, events.count == 0, let time = token.clusterTime, let newest else { return false }
        return time >= newest
    }
}

extension EventRange.Place: CustomStringConvertible {
    var description: String {
        switch self {
        case .token(let data): (ResumeToken(text: data).clusterTime.map { "cluster time \($0.readable), " } ?? "") + "token \(data)"
        case .time(let time): "cluster time \(time.readable)"
        }
    }
}

extension StartPoint {
    /// Reads `oldest`, `now`, a token, `seconds.increment` or a time, as a command line has them.
    ///
    /// - Throws: a sentence that says what can be written.
    package init(argument text: String) throws {
        if text == "oldest" {
            self = .oldest
        } else if text == "now" {
            self = .now
        } else if text.hasPrefix("82"), text.utf8.count > 16, let token = try? StartPoint(token: text.uppercased()) {
            self = token
        } else if let time = try? StartPoint(clusterTime: text) {
            self = time
        } else if let time = try? StartPoint(time: text) {
            self = time
        } else {
            throw UnreadablePlace(text: text)
        }
    }

    package struct UnreadablePlace: Error, CustomStringConvertible {
        let text: String
        package var description: String {
            "write a resume token (82…), a time such as 2026-01-31T00:00:00Z, or a cluster time such as 1651826079.1; found \(text)"
        }
    }
}
