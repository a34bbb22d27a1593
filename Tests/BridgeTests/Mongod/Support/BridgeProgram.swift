import Foundation
import Mongo

@testable import Runtime
@testable import StreamBridge

/// The built executable as a process.
final class BridgeProgram: Sendable {
    struct NotBuilt: Error {}

    private struct State {
        var output = ""
        var errors = ""
        /// The exit status; for an end by a signal, minus its number.
        var status: Int32?
    }

    private let process: ChildProcess
    private let arguments: [String]
    private let state = Monitor(State())

    /// - Parameters:
    ///   - environment: over this process's own.
    ///   - input: what its standard input gives, no more than a pipe holds; nil for nothing.
    ///   - terminal: its standard input and error.
    ///   - saidSomething: called after each piece of ``errors``.
    init(
        _ arguments: [String], environment: [String: String] = [:], input: String? = nil, terminal: Terminal? = nil,
        saidSomething: @escaping @Sendable () -> Void = {}
    ) throws {
        self.arguments = arguments
        let end = terminal?.end.fileDescriptor
        process = try ChildProcess(
            Self.executable().path, arguments, environment: ProcessInfo.processInfo.environment.merging(environment) { $1 },
            input: end.map { .descriptor($0) } ?? (input == nil ? .null : .pipe), output: .pipe,
            errors: end.map { .descriptor($0) } ?? .pipe)
        // Only the program holds it now, so its end is seen.
        try terminal?.end.close()
        ProcessGuardian.shared?.watch(process.processIdentifier)
        if let input {
            // One that has ended already does not read it.
            Self.brokenPipesAreErrors
            try? process.input?.write(contentsOf: Data(input.utf8))
            try? process.input?.close()
        }
        let (process, state) = (process, state)
        let readers = [
            LoopThread.start(name: "stdout") { Self.read(process.output) { text in state.update { $0.output += text } } },
            LoopThread.start(name: "stderr") {
                let take = { (text: String) in
                    state.update { $0.errors += text }
                    saidSomething()
                }
                if let terminal { terminal.read(take) } else { Self.read(process.errors, take) }
            },
        ]
        _ = LoopThread.start(name: "wait") {
            let exit = process.wait()
            ProcessGuardian.shared?.forget(process.processIdentifier)
            for reader in readers { reader.join() }
            state.update { state in
                switch exit {
                case .status(let status): state.status = status
                case .signal(let signal): state.status = -signal
                }
            }
        }
    }

    /// One that still runs was left by a test that has failed.
    deinit {
        guard process.isRunning else { return }
        process.end()
        print(" -- left running: bridge \(arguments.joined(separator: " ")); it ends with\n\(errors.suffix(4000))")
    }

    /// Instead of the end of this process.
    private static let brokenPipesAreErrors: Void = { _ = Foundation.signal(SIGPIPE, SIG_IGN) }()

    private static func read(_ pipe: FileHandle?, _ take: (String) -> Void) {
        while let data = pipe?.availableData, !data.isEmpty { take(String(decoding: data, as: UTF8.self)) }
    }

    /// Beside the test bundle, where SwiftPM builds it.
    static func executable() throws -> URL {
        let folders = [
            URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent(),
            ConfigurationText.package.appending(path: ".build/debug"),
        ]
        let candidates = folders.map { $0.appending(path: "bridge") }
        guard let found = candidates.first(where: { FileManager.default.isExecutableFile(atPath: $0.path) }) else { throw NotBuilt() }
        return found
    }

    var output: String { state.value.output }
    var errors: String { state.value.errors }

    /// The most memory that the process ever had in use, in bytes (`VmHWM`); nil when it has ended.
    var peakMemory: Int? {
        let status = try? String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)
        let line = status?.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }.map { $0 << 10 }
    }

    func signal(_ number: Int32) { process.signal(number) }

    func wait(forError text: String) throws {
        try state.wait(for: "\"\(text)\" on standard error") { state -> Void? in
            state.errors.contains(text) || state.status != nil ? () : nil
        }
        guard errors.contains(text) else { throw WaitedInVain(what: "\"\(text)\" on standard error; it ended with:\n\(errors)") }
    }

    func wait(forOutput text: String) throws {
        try state.wait(for: "\"\(text)\" on standard output") { state -> Void? in
            state.output.contains(text) || state.status != nil ? () : nil
        }
        guard output.contains(text) else { throw WaitedInVain(what: "\"\(text)\" on standard output; it ended with:\n\(output)\(errors)") }
    }

    /// Waits for the end of the process.
    @discardableResult
    func exitStatus() throws -> Int32 { try state.wait(for: "the program to end") { $0.status } }
}

/// A folder that goes with its owner.
final class TemporaryFolder: Sendable {
    let url: URL

    init() throws {
        Self.leftovers
        url = FileManager.default.temporaryDirectory.appending(path: "\(Self.prefix)\(getpid())-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    private static let prefix = "streambridge-test-"

    /// Removes, once, the folders of processes that were killed.
    private static let leftovers: Void = {
        let folder = FileManager.default.temporaryDirectory
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [] where name.hasPrefix(prefix) {
            guard let pid = Int32(name.dropFirst(prefix.count).prefix { $0 != "-" }), kill(pid, 0) != 0, errno == ESRCH else { continue }
            try? FileManager.default.removeItem(at: folder.appending(path: name))
        }
    }()

    func write(_ text: String, to name: String) throws -> String {
        let file = url.appending(path: name)
        try Data(text.utf8).write(to: file)
        return file.path
    }
}

extension Scene {
    /// The scene's configuration as a file: one stream from the beginning to its own topic.
    func yaml(stream: String = "", delivery: Delivery = .atLeastOnce, top: String = "", uri: String? = nil, kafka: String? = nil) -> String
    {
        let start = after(beginning)
        let lines = stream.split(separator: "\n").map { "    \($0)\n" }.joined()
        return """
            name: \(name)
            mongodb:
              uri: "\(uri ?? self.uri)"
              serverSelectionTimeout: 2s
            kafka:
              bootstrap.servers: \(kafka ?? self.kafka.bootstrapServers)
            streams:
              - name: fruits
                watch: \(database).fruits
                startAt: { clusterTime: "\(start.seconds).\(start.increment)" }
                topic: \(topic())
                format: canonical
                fullDocument: default
                delivery: \(delivery.rawValue)
            \(lines)\(top)
            """
    }
}
