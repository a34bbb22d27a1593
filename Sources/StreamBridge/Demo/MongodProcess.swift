import Foundation
import Mongo
import Runtime
import Synchronization

/// A private mongod on loopback, in a temporary folder that goes with it: for the demo and for tests.
package final class MongodProcess: Sendable {
    package enum Failure: Error, CustomStringConvertible {
        case noBinary
        case didNotStart(String)

        package var description: String {
            switch self {
            case .noBinary:
                "no mongod found: run scripts/bootstrap, or set MONGOD to a mongod binary, or put one on the PATH"
            case .didNotStart(let log): "mongod did not start: \(log)"
            }
        }
    }

    package let port: UInt16
    package let replicaSet: String?
    private let arguments: [String]
    private let binary: URL
    /// The server as it runs now: another one after ``restart()``.
    private let process: Mutex<ChildProcess>
    /// Kills mongod when this process is gone, however it ends: its standard input is a pipe that only we hold open.
    private let guardian: ChildProcess

    package var processIdentifier: Int32 { process.withLock { $0.processIdentifier } }
    package var host: String { "127.0.0.1:\(port)" }
    package var uri: String { replicaSet.map { "mongodb://\(host)/?replicaSet=\($0)" } ?? "mongodb://\(host)/?directConnection=true" }
    package var isRunning: Bool { process.withLock { $0.isRunning } }

    /// Starts a server, and waits until it answers.
    ///
    /// - Parameters:
    ///   - replicaSet: the set that it will be a member of; nil for a standalone server. The set is not initiated here.
    ///   - arguments: more arguments of mongod.
    ///   - binary: nil for the usual one.
    package init(replicaSet: String? = nil, port: UInt16? = nil, arguments: [String] = [], binary: URL? = nil) throws {
        self.binary = try binary ?? Self.binary()
        self.port = try port ?? FreePort.find()
        self.replicaSet = replicaSet
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "streambridge-mongod-\(ProcessInfo.processInfo.processIdentifier)-\(self.port)")
        try? FileManager.default.removeItem(at: folder)
        try FileManager.default.createDirectory(at: folder.appending(path: "db"), withIntermediateDirectories: true)
        // A later argument of the same name would be a fault to mongod, so the caller's oplog size takes the place of
        // ours.
        let oplog = replicaSet != nil && !arguments.contains("--oplogSize") ? ["--oplogSize", "128"] : []
        self.arguments =
            [
                "--dbpath", folder.appending(path: "db").path, "--port", "\(self.port)", "--bind_ip", "127.0.0.1", "--nounixsocket",
                "--logpath", folder.appending(path: "log").path, "--logappend", "--wiredTigerCacheSizeGB", "0.25", "--quiet",
                "--setParameter", "diagnosticDataCollectionEnabled=false",
            ] + (replicaSet.map { ["--replSet", $0] } ?? []) + oplog + arguments

        // Reads the server's process id whenever that changes; `-` while there is none.
        let script = """
            trap '' INT TERM HUP
            while read -r p; do s=$p; done
            [ "${s:--}" = - ] || kill -9 "$s" 2>/dev/null
            rm -rf "$1"
            """
        guardian = try ChildProcess("/bin/sh", ["-c", script, "guardian", folder.path], input: .pipe)
        process = Mutex(try ChildProcess(self.binary.path, self.arguments))
        watch(processIdentifier)
    }

    deinit { stop() }

    private func watch(_ identifier: Int32?) {
        guardian.input?.write(Data("\(identifier.map { "\($0)" } ?? "-")\n".utf8))
    }

    /// Ends the server at once and removes its folder.
    package func stop() {
        guard guardian.isRunning else { return }
        crash()
        guardian.input?.closeFile()
        guardian.wait()
    }

    /// Ends the server as a crash would, and keeps its folder.
    package func crash() {
        process.withLock { process in
            guard process.isRunning else { return }
            process.end()
            watch(nil)
        }
    }

    /// Starts a server that has crashed again, on the same port and folder. Does not wait until it answers.
    ///
    /// - Parameter other: the binary of another release, for an upgrade.
    package func restart(with other: URL? = nil) throws {
        crash()
        try process.withLock { process in
            process = try ChildProcess((other ?? binary).path, arguments)
            watch(process.processIdentifier)
        }
    }

    /// Freezes or continues the server.
    package func signal(_ signal: Int32) { process.withLock { $0.signal(signal) } }

    /// A pool of clients for this server alone, whatever its state in a set.
    package func directPool() throws -> MongoClientPool {
        try MongoClientPool(
            .init(
                uri: "mongodb://\(host)/?directConnection=true", maxPoolSize: 10, serverSelectionTimeout: .seconds(30),
                appName: "mongod-process"))
    }

    /// Makes the server a replica set of one, and waits until it takes writes.
    package func initiate() throws {
        guard let replicaSet else { return }
        try Self.initiate([self], name: replicaSet)
    }

    /// Makes servers the members of one replica set, and waits until one of them takes writes.
    package static func initiate(_ members: [MongodProcess], name: String) throws {
        guard let first = members.first else { return }
        let list = members.enumerated().map { index, member -> BSONValue in ["_id": .int32(Int32(index)), "host": .string(member.host)] }
        let command: BSONDocument = [
            "replSetInitiate": [
                "_id": .string(name), "members": .array(list),
                "settings": ["electionTimeoutMillis": 2000, "heartbeatIntervalMillis": 500],
            ]
        ]
        var backoff = Backoff(cap: .seconds(2))
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            do {
                _ = try first.directPool().withClient { client throws(MongoError) in
                    try client.command(command, on: "admin", operation: "initiate the replica set")
                }
                break
            } catch let error as MongoError where error.code == .nodeNotFound && .now < deadline {
                // NodeNotFound: another member does not listen yet.
                backoff.pause()
            }
        }
        let uri = "mongodb://\(members.map(\.host).joined(separator: ","))/?replicaSet=\(name)"
        let pool = try MongoClientPool(.init(uri: uri, maxPoolSize: 2, serverSelectionTimeout: .seconds(60), appName: "mongod-process"))
        // Server selection waits for the primary; a majority write shows that it is one with followers.
        _ = try pool.withClient { client in
            try client.command(
                [
                    "insert": "ready", "documents": .array([["_id": 1]]),
                    "writeConcern": ["w": "majority", "wtimeout": 60000],
                ], on: "streambridge", operation: "wait for the primary")
        }
    }

    private static func binary() throws -> URL {
        let environment = ProcessInfo.processInfo.environment
        var candidates = [environment["MONGOD"]].compactMap { $0 }.map { URL(filePath: $0) }
        // The place where scripts/bootstrap puts it, from the working folder or from the built executable upwards.
        var folders = [URL(filePath: FileManager.default.currentDirectoryPath)]
        if let executable = Bundle.main.executableURL?.resolvingSymlinksInPath() {
            var folder = executable.deletingLastPathComponent()
            for _ in 0..<4 {
                folders.append(folder)
                folder = folder.deletingLastPathComponent()
            }
        }
        candidates += folders.map { $0.appending(path: ".cache/mongod/bin/mongod") }
        candidates += (environment["PATH"] ?? "").split(separator: ":").map { URL(filePath: String($0)).appending(path: "mongod") }
        guard let binary = candidates.first(where: { FileManager.default.isExecutableFile(atPath: $0.path) }) else {
            throw Failure.noBinary
        }
        return binary
    }
}
