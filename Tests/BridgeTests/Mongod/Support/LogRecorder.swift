import Logging

@testable import Runtime
@testable import StreamBridge

/// Keeps what a bridge logs.
final class LogRecorder: Sendable {
    struct Line: Sendable, CustomStringConvertible {
        let level: Logger.Level
        let message: String
        let stream: String?
        var description: String { "\(level) \(stream ?? "-"): \(message)" }
    }

    private let lines = Monitor<[Line]>([])

    var logger: Logger { Logger(label: "test") { _ in Handler(recorder: self) } }

    var all: [Line] { lines.value }

    func lines(containing text: String) -> [Line] { all.filter { $0.message.contains(text) } }

    /// Blocks while no trouble is told that is not over.
    func waitForTrouble() throws {
        try lines.wait(for: "a trouble") { lines -> Void? in
            let newest = lines.last { $0.message.contains("retrying: ") || $0.message.contains("back after") }
            return newest?.message.contains("retrying: ") == true ? () : nil
        }
    }

    /// Blocks until `count` lines contain the text.
    func wait(for text: String, count: Int = 1) throws {
        try lines.wait(for: "\(count) log lines with \"\(text)\"") { lines -> Void? in
            lines.filter { $0.message.contains(text) }.count >= count ? () : nil
        }
    }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var logLevel: Logger.Level = .info
        var metadata: Logger.Metadata = [:]

        init(recorder: LogRecorder) { self.recorder = recorder }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let stream = (event.metadata?["stream"] ?? metadata["stream"]).map { "\($0)" }
            let line = Line(level: event.level, message: "\(event.message)", stream: stream)
            recorder.lines.update { $0.append(line) }
        }
    }
}
