/// What is answered to a request.
struct HTTPAnswer: Sendable {
    enum Status: Int, Sendable {
        case ok = 200
        case unauthorized = 401
        case notFound = 404
        case methodNotAllowed = 405
        case misdirected = 421
        case unavailable = 503
    }

    enum ContentType: String, Sendable {
        case text = "text/plain; charset=utf-8"
        case html = "text/html; charset=utf-8"
        case json = "application/json"
        /// The version of Prometheus' text format.
        case metrics = "text/plain; version=0.0.4; charset=utf-8"
    }

    var status = Status.ok
    var type = ContentType.text
    var body: [UInt8]
    /// Besides those that every answer has.
    var headers: [(name: String, value: String)] = []

    init(status: Status = .ok, _ text: String, type: ContentType = .text, headers: [(name: String, value: String)] = []) {
        self.init(status: status, body: Array(text.utf8), type: type, headers: headers)
    }

    init(status: Status = .ok, body: [UInt8], type: ContentType, headers: [(name: String, value: String)] = []) {
        self.status = status
        self.type = type
        self.body = body
        self.headers = headers
    }
}
