import Foundation
import Testing

@testable import StreamBridge

/// The program where its output cannot be written.
@Suite struct OutputProgramTests {
    private let folder: TemporaryFolder
    private let file: String
    private let kafka: TestKafka

    init() throws {
        kafka = try TestKafka.shared.get()
        folder = try TemporaryFolder()
        // No MongoDB is asked, and none is there.
        file = try folder.write(
            """
            name: lessons
            mongodb: { uri: "mongodb://127.0.0.1:1/?replicaSet=none", serverSelectionTimeout: 300ms }
            kafka: { bootstrap.servers: "\(kafka.bootstrapServers)" }
            streams: [{ name: fruits, watch: lessons.fruits }]
            startupTimeout: 1s
            """, to: "bridge.yaml")
    }

    /// Runs a line of bash in which `$bridge` is the program and `$file` its configuration.
    ///
    /// - Parameter pipe: what a broken pipe means to it: `ignore` as under systemd, `default` as in a shell.
    private func bash(_ line: String, pipe: String = "default") throws -> (status: Int32, output: String) {
        let script = "bridge='\(try BridgeProgram.executable().path)'; file='\(file)'; \(line)"
        return try Tool.run("env", ["--\(pipe)-signal=PIPE", "bash", "-c", script])
    }

    @Test func aCommandWhoseOutputCannotBeWrittenSaysSoAndIs74() async throws {
        try await blocking {
            for command in ["config --config $file", "grants mongodb --config $file", "--help", "--version", "help run"] {
                for (target, reason) in [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")] {
                    let (status, output) = try bash("$bridge \(command) \(target)")
                    #expect(status == 74, "\(command) \(target): \(output)")
                    #expect(output == "standard output cannot be written: \(reason)\n", "\(command) \(target)")
                }
            }
        }
    }

    @Test(arguments: ["ignore", "default"])
    func aReaderWhoGoesEndsACommandQuietlyWith141(_ pipe: String) async throws {
        try await blocking {
            // More than a pipe holds, so that the reader is gone for certain.
            let topic = UniqueName.make("output")
            try kafka.make(topic: topic)
            let producer = try ReportingProducer(kafka.settings)
            for number in 0..<200 { #expect(try producer.produce(topic, key: "\(number)", value: String(repeating: "x", count: 2000))) }
            try producer.wait(acknowledged: 200)
            let (status, output) = try bash(
                "$bridge tail \(topic) --from beginning --config $file | head -1; exit ${PIPESTATUS[0]}", pipe: pipe)
            #expect(status == 141, "\(output)")
            #expect(output == "\(topic)/0@0" + output.dropFirst("\(topic)/0@0".count), "\(output)")
            #expect(output.split(separator: "\n").count == 1, "\(output)")
        }
    }

    /// Nothing comes that could not be written: it would wait for ever.
    @Test func tailEndsWhenItsReaderGoesThoughNothingComes() async throws {
        try await blocking {
            let topic = UniqueName.make("output")
            try kafka.make(topic: topic)
            let (status, output) = try bash("$bridge tail \(topic) --config $file | true; exit ${PIPESTATUS[0]}")
            #expect(status == 141, "\(output)")
            #expect(output.isEmpty)
        }
    }

    @Test(arguments: ["2>/dev/full", "2>&-", "2> >(true)", ">&- 2>&-", "<&- >&- 2>&-"])
    func aRunWhoseLogCannotBeWrittenGoesOnToItsOwnEnd(_ target: String) async throws {
        try await blocking {
            for pipe in ["ignore", "default"] {
                let (status, output) = try bash("$bridge run --config $file \(target)", pipe: pipe)
                #expect(status == 69, "\(output)")
            }
        }
    }

    @Test func faultsThatCannotBeWrittenKeepTheirStatus() async throws {
        try await blocking {
            for (line, status) in [
                ("$bridge fly 2>/dev/full", 64), ("$bridge config --config /nowhere 2>/dev/full", 78),
                ("$bridge config --config /nowhere >/dev/full 2>&-", 78),
            ] as [(String, Int32)] {
                let run = try bash(line)
                #expect(run.status == status, "\(line)")
            }
        }
    }

    /// A closed stream's number would be that of the first file or connection, and the log would go to a server.
    @Test func closedStreamsGiveTheirNumbersToNothingElse() async throws {
        try await blocking {
            let port = try FreePort.find()
            let listening = try folder.write(
                try String(contentsOfFile: file, encoding: .utf8).replacing("startupTimeout: 1s", with: "startupTimeout: 10m")
                    + "\nhttp: { listen: \"127.0.0.1:\(port)\" }\n", to: "listening.yaml")
            let (status, output) = try bash(
                """
                $bridge run --config \(listening) <&- >&- 2>&- & id=$!
                until (exec 3<>/dev/tcp/127.0.0.1/\(port)) 2>/dev/null || ! kill -0 $id; do :; done
                readlink /proc/$id/fd/0 /proc/$id/fd/1 /proc/$id/fd/2
                kill $id; wait $id
                """)
            #expect(status == 0)
            #expect(output == "/dev/null\n/dev/null\n/dev/null\n")
        }
    }
}
