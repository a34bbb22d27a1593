import Foundation
import Logging

/// Writes log lines to standard error: text for people, or one JSON object per line for collectors.
package struct LineLogHandler: LogHandler {
    package enum Format: String, Sendable, CaseIterable {
        case text, json
    }

    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    private let format: Format

    package init(format: Format, level: Logger.Level) {
        self.format = format
        logLevel = level
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        StandardError.log.write(line(for: event)) { count, reason in
            line(
                for: LogEvent(
                    level: .warning, message: "\(count) line\(count == 1 ? "" : "s") of this log could not be written: \(reason)",
                    metadata: nil,
                    source: nil, file: #fileID, function: #function, line: #line))
        }
    }

    /// The line with its end. Apart from the writing, so that tests can read it.
    func line(for event: LogEvent) -> String {
        var fields = metadata
        if let own = event.metadata { fields.merge(own) { $1 } }
        return switch format {
        case .text: Self.text(level: event.level, message: event.message, fields: fields)
        case .json: Self.json(level: event.level, message: event.message, fields: fields)
        }
    }

    private static func text(level: Logger.Level, message: Logger.Message, fields: Logger.Metadata) -> String {
        var fields = fields
        let time = Date().formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        let loop = ["stream", "dispatcher"].compactMap { fields.removeValue(forKey: $0) }.first.map { " \($0):" } ?? ""
        let rest = fields.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        // A message may quote what came from outside.
        return "\(time) \(level.rawValue)\(loop) \(message)\(rest)".harmlessLine + "\n"
    }

    private static func json(level: Logger.Level, message: Logger.Message, fields: Logger.Metadata) -> String {
        let time = Date().formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        let line = fields.mapValues { "\($0)" }.merging(["time": time, "level": level.rawValue, "message": "\(message)"]) { $1 }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings only: encoding them cannot fail.
        return ((try? encoder.encode(line)).map { String(decoding: $0, as: UTF8.self) } ?? "").harmlessLine + "\n"
    }
}
