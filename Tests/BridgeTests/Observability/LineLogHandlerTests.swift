import Foundation
import Logging
import Testing

@testable import StreamBridge

@Suite struct LineLogHandlerTests {
    private func line(
        _ format: LineLogHandler.Format, _ message: String, handler: Logger.Metadata = [:], event: Logger.Metadata? = nil
    ) -> String {
        var logHandler = LineLogHandler(format: format, level: .trace)
        logHandler.metadata = handler
        return logHandler.line(
            for: LogEvent(
                level: .warning, message: "\(message)", metadata: event, source: nil, file: #fileID, function: #function, line: #line))
    }

    private static let awkward = "a\nb\r\nc\u{1b}[2Jd\u{2028}e\u{0}f\t\"g\"\\"

    @Test(arguments: LineLogHandler.Format.allCases)
    func oneEventIsOneLineWhateverItSays(_ format: LineLogHandler.Format) {
        let line = line(format, Self.awkward, handler: ["stream": "x\ny"], event: ["reason": "\(Self.awkward)", "ke\ny": "v"])
        #expect(line.last == "\n")
        #expect(!line.dropLast().unicodeScalars.contains { $0.value < 32 }, "\(line)")
        // Some readers end a line here, too; JSON's do not.
        if format == .text { #expect(!line.unicodeScalars.contains("\u{2028}")) }
    }

    @Test func textNamesLevelStreamMessageAndFieldsInOrder() {
        let line = line(.text, "went away", handler: ["stream": "inventory"], event: ["b": "2", "a": "1"])
        #expect(line.hasSuffix(" warning inventory: went away a=1 b=2\n"))
    }

    @Test func textGivesTheTimeFirst() throws {
        let time = try #require(line(.text, "m").split(separator: " ").first)
        #expect((try? Date(String(time), strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))) != nil)
    }

    @Test func jsonIsAnObjectWithTheFieldsBesideTheMessage() throws {
        let line = line(.json, Self.awkward, handler: ["stream": "inventory"], event: ["reason": "\(Self.awkward)"])
        let object = try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
        #expect(object["message"] == Self.awkward)
        #expect(object["reason"] == Self.awkward)
        #expect(object["level"] == "warning")
        #expect(object["stream"] == "inventory")
        #expect(object["time"] != nil)
    }

    @Test(arguments: LineLogHandler.Format.allCases)
    func anEventsOwnFieldsWinOverTheHandlers(_ format: LineLogHandler.Format) {
        let line = line(format, "m", handler: ["place": "handler"], event: ["place": "event"])
        #expect(line.contains("event"))
        #expect(!line.contains("handler"))
    }

    @Test func fieldsCannotReplaceTheLinesOwn() throws {
        let line = line(.json, "said", event: ["message": "forged", "level": "info", "time": "0"])
        let object = try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
        #expect(object["message"] == "said")
        #expect(object["level"] == "warning")
        #expect(object["time"] != "0")
    }
}
