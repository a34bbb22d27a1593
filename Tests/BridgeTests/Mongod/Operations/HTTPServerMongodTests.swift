import Foundation
import Mongo
import Testing

@testable import Runtime
@testable import StreamBridge

/// Who is answered, and who is not.
@Suite struct HTTPServerMongodTests {
    @Test func everyRequestNeedsTheToken() async throws {
        try await Scene.play { scene in
            let bridge = try scene.bridge([scene.stream()]) { $0.http = HTTPSettings(listen: "127.0.0.1:0", token: "s3cret") }
            #expect(try bridge.ask("/status").status == 401)
            #expect(try bridge.ask("/metrics", headers: [("Authorization", "Bearer wrong")]).status == 401)
            #expect(try bridge.ask("/status", headers: [("Authorization", "Bearer s3cret")]).status == 200)
            #expect(try bridge.ask("/").status == 200)
            #expect(try bridge.ask("/healthz").body == "ok\n")
            #expect(try bridge.stop().isEmpty)
        }
    }

    @Test func aRequestThatNamesAnotherHostIsRefusedWithoutAToken() async throws {
        try await Scene.play { scene in
            let bridge = try scene.bridge([scene.stream()], HTTPMongodTests.listen)
            let refused = try bridge.ask("/status", host: "evil.example:\(bridge.port())")
            #expect(refused.status == 421)
            #expect(!refused.body.contains(scene.name))
            #expect(refused.body.contains("ask for localhost, 127.0.0.1 or [::1]"))
            #expect(try bridge.ask("/status", host: "localhost:\(bridge.port())").status == 200)
            #expect(try bridge.stop().isEmpty)
        }
    }

    @Test func aHeadHasTheHeadersOfAGetAndNoBody() async throws {
        try await Scene.play { scene in
            let bridge = try scene.bridge([scene.stream()], HTTPMongodTests.listen)
            let get = try bridge.ask("/")
            let head = try bridge.ask("/", method: "HEAD")
            #expect(head.body.isEmpty)
            #expect(head.headers["content-length"] == "\(get.body.utf8.count)")
            #expect(head.headers["content-security-policy"] == get.headers["content-security-policy"])
            #expect(try bridge.ask("/status?pretty").status == 200)
            #expect(try bridge.ask("/status", method: "POST", headers: [("Content-Length", "0")]).status == 405)
            #expect(try bridge.ask("/nothing").status == 404)
            #expect(try bridge.stop().isEmpty)
        }
    }

    @Test func aStopDoesNotWaitForAnOpenConnection() async throws {
        try await Scene.play { scene in
            let bridge = try scene.bridge([scene.stream()], HTTPMongodTests.listen)
            let idle = try HTTPReply.Connection(to: bridge.port())
            try idle.send("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            let half = try HTTPReply.Connection(to: bridge.port())
            try half.send("GET /heal")
            try scene.insert([["_id": 0]])
            try scene.follow().wait(count: 1)
            #expect(try bridge.stop().isEmpty)
            #expect(try idle.readToEnd().hasSuffix("ok\n"))
        }
    }

    /// As many as the server takes; the probe waits until the first of them is let go.
    @Test func connectionsThatSayNothingKeepProbesOutOnlyUntilTheyAreClosed() async throws {
        try await Scene.play { scene in
            let bridge = try scene.bridge([scene.stream()], HTTPMongodTests.listen)
            let port = try bridge.port()
            let idle = try (0..<100).map { _ in try HTTPReply.Connection(to: port) }
            #expect(try bridge.ask("/healthz").status == 200)
            withExtendedLifetime(idle) {}
            #expect(try bridge.stop().isEmpty)
        }
    }

    @Test func anAddressInUseIsRefused() async throws {
        try await Scene.play { scene in
            // One that the system gives to no connection: it is to be free again later.
            let port = try FreePort.find()
            let bridge = try scene.bridge([scene.stream()]) { $0.http = HTTPSettings(listen: "127.0.0.1:\(port)", token: nil) }
            #expect(try bridge.port() == port)
            let folder = try TemporaryFolder()
            let file = try folder.write(scene.yaml(top: "startupTimeout: 2s\nhttp: { listen: \"127.0.0.1:\(port)\" }"), to: "bridge.yaml")
            let second = try BridgeProgram(["run", "--config", file])
            #expect(try second.exitStatus() == 78)
            #expect(second.errors.contains("nothing can listen on 127.0.0.1:\(port): the address is in use"))
            #expect(second.errors.contains("choose another port for http.listen"))
            let check = try BridgeProgram(["check", "--config", file])
            _ = try check.exitStatus()
            #expect(check.output.contains("warning  http: http.listen: nothing can listen on 127.0.0.1:\(port): the address is in use"))
            #expect(try bridge.stop().isEmpty)
            let free = try BridgeProgram(["check", "--config", file])
            _ = try free.exitStatus()
            #expect(free.output.contains("ok       http: can listen on 127.0.0.1:\(port)"))
        }
    }

    @Test func anAddressOfAnotherMachineIsRefused() async throws {
        try await Scene.play { scene in
            let folder = try TemporaryFolder()
            // TEST-NET-1 is nobody's.
            let file = try folder.write(
                scene.yaml(top: "startupTimeout: 2s\nhttp: { listen: \"192.0.2.1:8080\", token: s3cret-of-many-letters }"),
                to: "bridge.yaml")
            let bridge = try BridgeProgram(["run", "--config", file])
            #expect(try bridge.exitStatus() == 78)
            #expect(bridge.errors.contains("nothing can listen on 192.0.2.1:8080: this machine has no such address"))
            let check = try BridgeProgram(["check", "--config", file])
            #expect(try check.exitStatus() == 78)
            #expect(check.output.contains("error    http: "))
        }
    }

    @Test func theProgramTellsItsAddressOnceAndNeverItsToken() async throws {
        try await Scene.play { scene in
            let folder = try TemporaryFolder()
            try scene.kafka.create(topic: scene.topic())
            let file = try folder.write(
                scene.yaml(top: "http: { listen: \"127.0.0.1:0\", token: s3cret-of-many-letters }"), to: "bridge.yaml")
            let bridge = try BridgeProgram(["run", "--config", file, "--log-level", "debug"])
            try bridge.wait(forError: "the status page, health and metrics are at http://127.0.0.1:")
            try bridge.wait(forError: "no stored position")
            bridge.signal(SIGTERM)
            #expect(try bridge.exitStatus() == 0)
            #expect(bridge.errors.components(separatedBy: "http://127.0.0.1:").count == 2)
            #expect(!bridge.errors.contains("s3cret"))
        }
    }
}
