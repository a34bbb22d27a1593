import CMongo
import Runtime

/// The process's one pool of connections to a deployment, with background monitoring of its servers.
///
/// Thread-safe. Every loop takes a client for as long as it needs one; `maxPoolSize` bounds them all together, but for
/// those that nobody waits for any more (``leaveBehind()``).
package final class MongoClientPool {
    package struct Settings: Sendable {
        package var uri: String
        package var maxPoolSize: Int
        package var serverSelectionTimeout: Duration
        package var appName: String
        /// How long an answer may take, unless the URI says it.
        ///
        /// The default is an hour, for change streams: a getMore that matches little returns when the server has
        /// scanned all of its oplog, which may take longer than the driver's five minutes; ended early, it would start
        /// from the same place again, for ever. Dead connections are found by TCP keepalive, dead servers by the
        /// monitoring.
        package var socketTimeout: Duration

        package init(
            uri: String, maxPoolSize: Int, serverSelectionTimeout: Duration, appName: String, socketTimeout: Duration = .seconds(3600)
        ) {
            self.uri = uri
            self.maxPoolSize = maxPoolSize
            self.serverSelectionTimeout = serverSelectionTimeout
            self.appName = appName
            self.socketTimeout = socketTimeout
        }
    }

    private let pool: OpaquePointer
    /// What the monitoring sees.
    package let topology: TopologyWatch
    /// The most clients that there may be, besides those that were left behind.
    package let limit: Int
    /// How long a client is waited for.
    private let patience: Duration
    /// How long a server that can be used is looked for, by the URI or by the settings.
    package let serverSelectionTime: Duration
    /// Guards the two counts.
    private let condition = MonotonicCondition()
    private var lent = 0
    private var leftBehind = 0

    /// Clients that are lent now.
    package var clientsInUse: Int {
        condition.lock()
        defer { condition.unlock() }
        return lent
    }

    /// Reads the URI and starts to monitor; does not wait for a server.
    ///
    /// - Throws: ``MongoError`` of kind `client` for a URI that the driver refuses.
    package init(_ settings: Settings) throws(MongoError) {
        MongoRuntime.start()
        let uri = try Self.parse(settings.uri)
        defer { mongoc_uri_destroy(uri) }
        topology = TopologyWatch(uri)
        mongoc_uri_set_option_as_int32(uri, MONGOC_URI_MAXPOOLSIZE, Int32(clamping: settings.maxPoolSize))
        if mongoc_uri_get_option_as_int32(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, -1) == -1 {
            let milliseconds = settings.serverSelectionTimeout.milliseconds
            mongoc_uri_set_option_as_int32(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, milliseconds)
        }
        serverSelectionTime = .milliseconds(mongoc_uri_get_option_as_int32(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, 0))
        if mongoc_uri_get_option_as_int32(uri, MONGOC_URI_CONNECTTIMEOUTMS, -1) == -1 {
            // The driver's 10 s would outlast the server selection that waits for it.
            let milliseconds = settings.serverSelectionTimeout.milliseconds
            mongoc_uri_set_option_as_int32(uri, MONGOC_URI_CONNECTTIMEOUTMS, milliseconds)
        }
        if mongoc_uri_get_option_as_int32(uri, MONGOC_URI_SOCKETTIMEOUTMS, -1) == -1 {
            mongoc_uri_set_option_as_int32(uri, MONGOC_URI_SOCKETTIMEOUTMS, settings.socketTimeout.milliseconds)
        }
        if mongoc_uri_get_appname(uri) == nil { mongoc_uri_set_appname(uri, settings.appName) }
        var error = bson_error_t()
        guard let pool = mongoc_client_pool_new_with_error(uri, &error) else {
            throw MongoError(error, operation: "read the MongoDB URI", reply: nil)
        }
        mongoc_client_pool_set_error_api(pool, MONGOC_ERROR_API_VERSION_2)
        topology.install(in: pool)
        self.pool = pool
        limit = settings.maxPoolSize
        patience = settings.serverSelectionTimeout
    }

    deinit { mongoc_client_pool_destroy(pool) }

    /// What the driver says against a URI, or nil when it takes it. Opens no connection.
    package static func fault(inURI uri: String) -> String? {
        var fault: String?
        // An option that the driver does not know is only logged, and then ignored: a misspelt tls= would mean plain
        // text.
        let complaints = MongoRuntime.complaints {
            do throws(MongoError) {
                mongoc_uri_destroy(try parse(uri))
            } catch {
                fault = error.message
            }
        }
        return fault ?? complaints.first
    }

    /// Whether the driver knows an option of a URI by this name.
    package static func isOption(_ name: String) -> Bool {
        let name = name.lowercased()
        // What it knows without a type of its own.
        let others = ["w", "readpreferencetags", "authmechanismproperties", "gssapiservicename"]
        return others.contains(name) || mongoc_uri_option_is_utf8(name) || mongoc_uri_option_is_bool(name)
            || mongoc_uri_option_is_int32(name) || mongoc_uri_option_is_int64(name)
    }

    static func parse(_ text: String) throws(MongoError) -> OpaquePointer {
        var error = bson_error_t()
        guard let uri = mongoc_uri_new_with_error(text, &error) else {
            throw MongoError(kind: .client, operation: "read the MongoDB URI", message: error.text)
        }
        return uri
    }

    /// Whether the monitoring has a server among those that answer. Sends nothing, and waits for nothing.
    package func isReachable(_ server: ServerID) -> Bool { topology.answers(server.number) }

    /// Lends a client to the calling thread; waits when all are taken, but not for long.
    ///
    /// - Throws: what `body` throws, or ``MongoError`` of kind `noClient`.
    package func withClient<Result>(
        _ body: (borrowing MongoClient) throws(MongoError) -> Result
    ) throws(MongoError) -> Result {
        let handle = try lend()
        defer { giveBack(handle) }
        do {
            return try body(MongoClient(handle: handle))
        } catch {
            throw topology.explained(error)
        }
    }

    /// The same for a body that throws other errors, too.
    package func withClient<Result>(_ body: (borrowing MongoClient) throws -> Result) throws -> Result {
        let handle = try lend()
        defer { giveBack(handle) }
        do {
            return try body(MongoClient(handle: handle))
        } catch let error as MongoError {
            throw topology.explained(error)
        }
    }

    /// A thread that has a client is stuck in a call, and nobody waits for it any more: another may have a client in
    /// its place. libmongoc cannot be interrupted, and its calls end with the connection at the latest.
    package func leaveBehind() { changeLeftBehind(by: 1) }

    /// A thread that was left behind has given its client back.
    package func cameBack() { changeLeftBehind(by: -1) }

    private func changeLeftBehind(by change: Int) {
        condition.lock()
        leftBehind += change
        mongoc_client_pool_max_size(pool, UInt32(clamping: limit + leftBehind))
        condition.broadcast()
        condition.unlock()
    }

    /// libmongoc's own wait for a client has no end, or one by the time of day. So it is asked only when it has one:
    /// `lent` counts what it has lent, and never more than its bound is lent.
    private func lend() throws(MongoError) -> OpaquePointer {
        let deadline = MonotonicDeadline(after: patience)
        condition.lock()
        while lent >= limit + leftBehind {
            guard condition.wait(until: deadline) else {
                condition.unlock()
                throw noClient
            }
        }
        lent += 1
        condition.unlock()
        guard let handle = mongoc_client_pool_pop(pool) else {
            count(-1)
            throw noClient
        }
        return handle
    }

    private func giveBack(_ handle: OpaquePointer) {
        // In this order: a thread that sees the lower count finds the client.
        mongoc_client_pool_push(pool, handle)
        count(-1)
    }

    private func count(_ change: Int) {
        condition.lock()
        lent += change
        condition.broadcast()
        condition.unlock()
    }

    private var noClient: MongoError {
        MongoError(
            kind: .noClient, operation: "take a connection to MongoDB",
            message: "all \(limit) of the pool are in use (mongodb.maxPoolSize)")
    }
}

/// A server of a pool's deployment, as the driver numbers them. A server that comes back keeps its number.
package struct ServerID: Sendable, Hashable {
    let number: UInt32
}

// Safe: a mongoc_client_pool_t is thread-safe (libmongoc manual); the pointer never changes, the counts are read and
// written under `condition`'s lock only, and the rest is thread-safe itself.
extension MongoClientPool: @unchecked Sendable {}
