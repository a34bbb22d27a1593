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
    ///   - authorization: the header of that name.
    func answer(method: String, path: String, authorization: String?) -> HTTPAnswer {
        let isAllowed = token?.isPresented(by: authorization) ?? true
        guard isAllowed || Self.open.contains(path) else {
            return HTTPAnswer(
                status: .unauthorized, "This bridge wants its http.token: send Authorization: Bearer <token>\n",
                headers: [("WWW-Authenticate", "Bearer")])
        }
        guard Self.all.contains(path) else { return HTTPAnswer(status: .notFound, "There are \(Self.all.joined(separator: " "))\n") }
        guard method == "GET" || method == "HEAD" else {
            return HTTPAnswer(status: .methodNotAllowed, "Only GET and HEAD are answered\n", headers: [("Allow", "GET, HEAD")])
        }
        switch path {
        case "/": return HTTPAnswer(body: PackageResources.page_html, type: .html, headers: Self.pageHeaders)
        case "/healthz": return health()
        case "/readyz": return readiness(isDetailed: isAllowed)
        case "/status": return HTTPAnswer(StatusDocument(observer.report()).json, type: .json)
        default: return HTTPAnswer(Exposition(of: observer.report()).text, type: .metrics)
        }
    }

    private static let all = ["/", "/healthz", "/readyz", "/status", "/metrics"]
    /// Without a token: probes have none, and the page has no data and asks for it.
    private static let open: Set<String> = ["/", "/healthz", "/readyz"]

    private static let pageHeaders = [
        (
            name: "Content-Security-Policy",
            value: "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
                + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        (name: "Referrer-Policy", value: "no-referrer"),
    ]

    private func health() -> HTTPAnswer {
        let stuck = observer.loops.stuckLoops()
        guard !stuck.isEmpty else { return HTTPAnswer("ok\n") }
        return HTTPAnswer(status: .unavailable, stuck.map { "\($0.name) has not moved for \($0.time.readable)\n" }.joined())
    }

    /// - Parameter isDetailed: why, too, which may name hosts and keys.
    private func readiness(isDetailed: Bool) -> HTTPAnswer {
        let obstacles = observer.obstacles()
        guard !obstacles.isEmpty else { return HTTPAnswer("ready\n") }
        return HTTPAnswer(status: .unavailable, obstacles.map { (isDetailed ? $0.description : $0.what) + "\n" }.joined())
    }
}
