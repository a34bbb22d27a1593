/// The paths that the bridge answers, whatever brings the requests.
struct HTTPPaths: Sendable {
    let observer: BridgeObserver
    /// Nil when none is needed.
    let token: AccessToken?

    init(_ settings: HTTPSettings, observer: BridgeObserver) {
        self.observer = observer
        token = settings.token.map(AccessToken.init)
    }

    /// - Parameters:
    ///   - path: without the query.
    ///   - host: the header of that name.
    ///   - authorization: the header of that name.
    func answer(
        method: String, path: String, host: String?, authorization: String?, at now: ContinuousClock.Instant = .now
    ) -> HTTPAnswer {
        let isAllowed = token?.isPresented(by: authorization) ?? Self.isThisMachine(host)
        guard isAllowed || isOpen(path) else { return refusal }
        guard Self.all.contains(path) else { return HTTPAnswer(status: .notFound, "There are \(Self.all.joined(separator: " "))\n") }
        guard method == "GET" || method == "HEAD" else {
            return HTTPAnswer(status: .methodNotAllowed, "Only GET and HEAD are answered\n", headers: [("Allow", "GET, HEAD")])
        }
        switch path {
        case "/": return HTTPAnswer(body: PackageResources.page_html, type: .html, headers: Self.pageHeaders)
        case "/healthz": return Self.probe(observer.report(at: now).ailments, otherwise: "ok", isDetailed: isAllowed)
        case "/readyz": return Self.probe(observer.report(at: now).obstacles, otherwise: "ready", isDetailed: isAllowed)
        case "/status": return HTTPAnswer(StatusDocument(observer.report(at: now)).json, type: .json)
        default: return HTTPAnswer(Exposition(of: observer.report(at: now)).text, type: .metrics)
        }
    }

    private static let all = ["/", "/healthz", "/readyz", "/status", "/metrics"]
    private static let probes: Set<String> = ["/healthz", "/readyz"]

    /// Whether anybody may ask: probes have no token and name the host as they like; the page has no data and asks for
    /// the token.
    private func isOpen(_ path: String) -> Bool { Self.probes.contains(path) || (path == "/" && token != nil) }

    /// A page of another site whose name was made to point at this machine asks with that name, and would read what the
    /// browser's user may read (DNS rebinding). Without a token nobody listens beyond loopback, so no other name is
    /// right.
    private static func isThisMachine(_ host: String?) -> Bool {
        host.flatMap { ConnectionURI.hostPort($0) }.map { ListenAddress.isLoopback($0.host.lowercased()) } ?? false
    }

    private var refusal: HTTPAnswer {
        guard token == nil else {
            return HTTPAnswer(
                status: .unauthorized, "This bridge wants its http.token: send Authorization: Bearer <token>\n",
                headers: [("WWW-Authenticate", "Bearer")])
        }
        return HTTPAnswer(
            status: .misdirected,
            "This bridge has no http.token, so it answers to the names of its own machine only: ask for localhost, 127.0.0.1 or [::1] (the header Host), "
                + "or set http.token\n")
    }

    private static let pageHeaders = [
        (
            name: "Content-Security-Policy",
            value: "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
                + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        (name: "Referrer-Policy", value: "no-referrer"),
    ]

    /// - Parameter isDetailed: why, too, which may name hosts and keys.
    private static func probe(_ obstacles: [Obstacle], otherwise good: String, isDetailed: Bool) -> HTTPAnswer {
        guard !obstacles.isEmpty else { return HTTPAnswer("\(good)\n") }
        return HTTPAnswer(status: .unavailable, obstacles.map { (isDetailed ? $0.description : $0.what).harmlessLine + "\n" }.joined())
    }
}
