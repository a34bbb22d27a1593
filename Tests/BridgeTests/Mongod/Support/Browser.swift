import Foundation
import Testing

@testable import Runtime
@testable import StreamBridge

/// A headless Chromium with one tab, driven by the DevTools protocol over a pipe. It ends with its owner, or with this
/// process.
final class Browser: Sendable {
    static let executable = ["chromium", "google-chrome"].lazy.compactMap(Browser.find).first
    static var isThere: Bool { executable != nil }

    /// Why tests are skipped without it.
    static let absence: Comment = "no chromium on PATH"

    struct NotThere: Error {}

    /// What the protocol, or the page's own script, refused.
    struct Refused: Error, CustomStringConvertible {
        let what: String
        let reason: String
        var description: String { "\(what): \(reason)" }
    }

    private struct State {
        var commands = 0
        /// The replies that nobody has taken yet, by the number of their command.
        var replies: [Int: Data] = [:]
        var requests: [String] = []
        var complaints: [String] = []
        var hasEnded = false
    }

    private let process: ChildProcess
    private let profile: TemporaryFolder
    private let state = Monitor(State())
    private let session: Monitor<String?> = Monitor(nil)

    private static func find(_ name: String) -> URL? {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
            .map { URL(filePath: String($0)).appending(path: name) }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
    }

    /// - Parameter width: of the tab, in CSS pixels.
    init(width: Int = 1280) throws {
        guard let executable = Self.executable else { throw NotThere() }
        profile = try TemporaryFolder()
        // The protocol's pipe is at the descriptors 3 and 4.
        let script = #"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#
        process = try ChildProcess(
            "/bin/sh",
            [
                "-c", script, executable.path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--remote-debugging-pipe", "--user-data-dir=\(profile.url.path)", "about:blank",
            ], input: .pipe, output: .pipe)
        let (process, state) = (process, state)
        _ = LoopThread.start(name: "devtools") {
            var rest = Data()
            while let data = process.output?.availableData, !data.isEmpty {
                rest.append(data)
                while let end = rest.firstIndex(of: 0) {
                    Self.take(Data(rest[rest.startIndex..<end]), into: state)
                    rest = Data(rest[(end + 1)...])
                }
            }
            state.update { $0.hasEnded = true }
        }
        try openTab(width: width)
    }

    deinit {
        // The end of the pipe ends the browser; its profile must not go before.
        try? process.input?.close()
        if process.wait(within: .seconds(10)) == nil { process.end() }
    }

    private func openTab(width: Int) throws {
        let target = try send("Target.createTarget", ["url": "about:blank"])
        let attached = try send("Target.attachToTarget", ["targetId": target["targetId"] ?? "", "flatten": true])
        session.update { $0 = attached["sessionId"] as? String }
        for domain in ["Page", "Runtime", "Network", "Log"] { try send("\(domain).enable") }
        try resize(width: width)
    }

    func resize(width: Int) throws {
        try send(
            "Emulation.setDeviceMetricsOverride", ["width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false])
    }

    /// Takes the network away from the tab, or gives it back.
    func setOnline(_ isOnline: Bool) throws {
        try send(
            "Network.emulateNetworkConditions",
            ["offline": !isOnline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1])
    }

    /// Opens a page, and blocks until it is loaded.
    func open(_ page: String) throws {
        try send("Page.navigate", ["url": page])
        try evaluate("new Promise((loaded) => document.readyState === 'complete' ? loaded() : addEventListener('load', loaded))")
    }

    /// Every address that the tab asked for, in the order of the requests.
    var requests: [String] { state.value.requests }

    /// What the tab complained of: exceptions of scripts, and what the content security policy kept from it.
    var complaints: [String] { state.value.complaints }

    /// The value of an expression in the page, as text.
    @discardableResult
    func evaluate(_ expression: String) throws -> String {
        let reply = try send(
            "Runtime.evaluate", ["expression": "Promise.resolve(\(expression)).then(String)", "returnByValue": true, "awaitPromise": true])
        if let exception = reply["exceptionDetails"] { throw Refused(what: expression, reason: "\(exception)") }
        return (reply["result"] as? [String: Any])?["value"] as? String ?? ""
    }

    /// Blocks until an expression in the page is true; it is looked at whenever the page changes.
    func wait(for expression: String, _ what: String) throws {
        let milliseconds = Patience.limit / .milliseconds(1)
        let isTrue = try evaluate(
            """
            new Promise((resolve) => {
                const look = () => { if (\(expression)) { observer.disconnect(); resolve(true); } };
                const observer = new MutationObserver(look);
                observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
                setTimeout(() => resolve(false), \(milliseconds));
                look();
            })
            """)
        guard isTrue == "true" else { throw WaitedInVain(what: "\(what); the page shows\n\(try evaluate("document.body.innerText"))") }
    }

    // MARK: The protocol

    @discardableResult
    private func send(_ method: String, _ parameters: [String: Any] = [:]) throws -> [String: Any] {
        let number = state.update { state in
            state.commands += 1
            return state.commands
        }
        var message: [String: Any] = ["id": number, "method": method, "params": parameters]
        message["sessionId"] = session.value
        try process.input?.write(contentsOf: JSONSerialization.data(withJSONObject: message) + [0])
        var reply: Data?
        // Longer than any wait in the page.
        _ = state.wait(within: Patience.limit + .seconds(30)) { state in
            reply = state.replies[number]
            return reply != nil || state.hasEnded
        }
        guard let reply, let object = try JSONSerialization.jsonObject(with: reply) as? [String: Any] else {
            throw WaitedInVain(what: "the browser's reply to \(method)")
        }
        state.update { $0.replies[number] = nil }
        if let error = object["error"] { throw Refused(what: method, reason: "\(error)") }
        return object["result"] as? [String: Any] ?? [:]
    }

    private static func take(_ message: Data, into state: Monitor<State>) {
        guard let object = try? JSONSerialization.jsonObject(with: message) as? [String: Any] else { return }
        if let number = object["id"] as? Int {
            state.update { $0.replies[number] = message }
            return
        }
        let parameters = object["params"] as? [String: Any] ?? [:]
        switch object["method"] as? String {
        case "Network.requestWillBeSent":
            let request = parameters["request"] as? [String: Any]
            state.update { $0.requests.append(request?["url"] as? String ?? "") }
        case "Runtime.exceptionThrown": state.update { $0.complaints.append("\(parameters["exceptionDetails"] ?? "")") }
        case "Log.entryAdded":
            let entry = parameters["entry"] as? [String: Any]
            // A request that failed is one, too, and the page's business.
            guard entry?["source"] as? String != "network" else { return }
            state.update { $0.complaints.append(entry?["text"] as? String ?? "") }
        default: break
        }
    }
}
