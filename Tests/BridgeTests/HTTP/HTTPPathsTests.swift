import Mongo
import Testing

@testable import Runtime
@testable import StreamBridge

@Suite struct HTTPPathsTests {
    private static func paths(token: String? = nil, loops: Watchdog = Watchdog()) throws -> HTTPPaths {
        let configuration = try ConfigurationText.load(ConfigurationText.minimal()).configuration
        return HTTPPaths(
            HTTPSettings(listen: "127.0.0.1:0", token: token),
            observer: BridgeObserver(configuration: configuration, loops: loops, stop: StopSignal()))
    }

    private static func text(_ answer: HTTPAnswer) -> String { String(decoding: answer.body, as: UTF8.self) }

    @Test(arguments: ["/", "/healthz", "/readyz", "/status", "/metrics"], ["GET", "HEAD", "POST", "DELETE"])
    func onlyGetAndHeadAreAnswered(_ path: String, _ method: String) throws {
        let answer = try Self.paths().answer(method: method, path: path, host: "127.0.0.1:8080", authorization: nil)
        let isAllowed = method == "GET" || method == "HEAD"
        #expect((answer.status == .methodNotAllowed) == !isAllowed)
        #expect(answer.headers.contains { $0 == ("Allow", "GET, HEAD") } == !isAllowed)
    }

    @Test(arguments: ["/nothing", "/status/", "//", "", "/healthz/x", "/../status"])
    func unknownPathsAreNotFound(_ path: String) throws {
        #expect(try Self.paths().answer(method: "GET", path: path, host: "127.0.0.1:8080", authorization: nil).status == .notFound)
    }

    @Test(arguments: ["/status", "/metrics", "/nothing"])
    func theTokenIsWanted(_ path: String) throws {
        let paths = try Self.paths(token: "s3cret")
        for wrong in [nil, "", "s3cret", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3cret2", "Bearer S3cret", "Basic s3cret"] {
            let answer = paths.answer(method: "GET", path: path, host: "127.0.0.1:8080", authorization: wrong)
            #expect(answer.status == .unauthorized, "\(wrong ?? "none")")
            #expect(answer.headers.contains { $0 == ("WWW-Authenticate", "Bearer") })
        }
        #expect(paths.answer(method: "GET", path: path, host: "127.0.0.1:8080", authorization: "Bearer s3cret").status != .unauthorized)
        #expect(paths.answer(method: "GET", path: path, host: "127.0.0.1:8080", authorization: "bearer  s3cret").status != .unauthorized)
    }

    @Test(arguments: ["/", "/healthz", "/readyz"])
    func probesAndThePageNeedNoToken(_ path: String) throws {
        #expect(
            try Self.paths(token: "s3cret").answer(method: "GET", path: path, host: "127.0.0.1:8080", authorization: nil).status
                != .unauthorized)
    }

    private static let ownHosts = [
        "localhost", "LocalHost:31808", "127.0.0.1", "127.0.0.1:8080", "127.9.8.7:1", "[::1]", "[::1]:8080",
    ]
    /// None; another site's, also when it looks like this machine's at its beginning or its end; and no host at all.
    private static let otherHosts: [String?] = [
        nil, "", "evil.example", "evil.example:31808", "localhost.evil.example", "127.0.0.1.evil.example", "evil.localhost.example:80",
        "10.0.0.1",
        "[::2]", "localhost:port", "[::1", "127.0.0.1@evil.example", "evil.example/127.0.0.1",
    ]

    @Test(arguments: ["/", "/status", "/metrics", "/nothing"], ["GET", "POST"])
    func withoutATokenOnlyTheNamesOfThisMachineAreAnswered(_ path: String, _ method: String) throws {
        let paths = try Self.paths()
        for host in Self.otherHosts {
            let answer = paths.answer(method: method, path: path, host: host, authorization: nil)
            #expect(answer.status == .misdirected, "\(host ?? "none")")
            #expect(Self.text(answer).contains("set http.token"))
        }
        for host in Self.ownHosts {
            #expect(paths.answer(method: method, path: path, host: host, authorization: nil).status != .misdirected, "\(host)")
        }
    }

    @Test func probesMayNameTheHostAsTheyLikeAndLearnNoReasonsThen() throws {
        let paths = try Self.paths()
        paths.observer.waits(for: .kafka, because: "refused by 10.0.0.1")
        for host in Self.otherHosts {
            #expect(paths.answer(method: "GET", path: "/healthz", host: host, authorization: nil).status == .ok)
            let answer = paths.answer(method: "GET", path: "/readyz", host: host, authorization: nil)
            #expect(Self.text(answer) == "MongoDB cannot be reached\nKafka cannot be reached\n")
        }
    }

    @Test func withATokenAnyNameIsAnswered() throws {
        let answer = try Self.paths(token: "s3cret")
            .answer(method: "GET", path: "/status", host: "bridge.example", authorization: "Bearer s3cret")
        #expect(answer.status == .ok)
    }

    @Test func aBridgeThatStartsIsHealthyAndNotReady() throws {
        let paths = try Self.paths()
        #expect(Self.text(paths.answer(method: "GET", path: "/healthz", host: "127.0.0.1:8080", authorization: nil)) == "ok\n")
        paths.observer.waits(for: .kafka, because: "refused by 10.0.0.1")
        let answer = paths.answer(method: "GET", path: "/readyz", host: "127.0.0.1:8080", authorization: nil)
        #expect(answer.status == .unavailable)
        #expect(
            Self.text(answer)
                == "MongoDB cannot be reached: it has not been reached yet\nKafka cannot be reached: refused by 10.0.0.1\n")
    }

    @Test func whoHasNoTokenLearnsNoReasons() throws {
        let paths = try Self.paths(token: "s3cret")
        paths.observer.waits(for: .kafka, because: "refused by 10.0.0.1")
        let short = Self.text(paths.answer(method: "GET", path: "/readyz", host: "127.0.0.1:8080", authorization: nil))
        #expect(short == "MongoDB cannot be reached\nKafka cannot be reached\n")
        #expect(
            Self.text(paths.answer(method: "GET", path: "/readyz", host: "127.0.0.1:8080", authorization: "Bearer s3cret")).contains(
                "10.0.0.1"))
    }

    @Test func aStuckLoopIsUnhealthy() throws {
        let loops = Watchdog()
        let paths = try Self.paths(loops: loops)
        let heartbeat = loops.heartbeat(of: "publish inventory")
        heartbeat.beat()
        #expect(paths.answer(method: "GET", path: "/healthz", host: "127.0.0.1:8080", authorization: nil).status == .ok)
        heartbeat.beat(at: .now - .seconds(61))
        let answer = paths.answer(method: "GET", path: "/healthz", host: "127.0.0.1:8080", authorization: nil)
        #expect(answer.status == .unavailable)
        #expect(Self.text(answer) == "publish inventory has not moved for 61 s\n")
    }

    @Test func thePageMayLoadNothingFromElsewhere() throws {
        let answer = try Self.paths().answer(method: "GET", path: "/", host: "127.0.0.1:8080", authorization: nil)
        #expect(answer.type == .html)
        #expect(Self.text(answer).hasPrefix("<!doctype html>"))
        let policy = try #require(answer.headers.first { $0.name == "Content-Security-Policy" }?.value)
        #expect(policy.hasPrefix("default-src 'none'; "))
        #expect(policy.contains("connect-src 'self'"))
        #expect(policy.contains("frame-ancestors 'none'"))
    }

    @Test func nullsAreWrittenForWhatIsNotKnown() throws {
        let json = try Self.paths().answer(method: "GET", path: "/status", host: "127.0.0.1:8080", authorization: nil)
        let status = try BSONDocument(extendedJSON: Self.text(json))
        #expect(status["mongodb"]?.documentValue?["version"] == .null)
        #expect(status["ready"] == false)
        #expect(status["streams"]?.arrayValue?.isEmpty == true)
    }
}
