import CMongo
import Synchronization

/// The process's one pool of connections to a deployment, with background monitoring of its servers.
///
/// Thread-safe. Every loop takes a client for as long as it needs one; `maxPoolSize` bounds them all together.
package final class MongoClientPool {
    package struct Settings: Sendable {
        package var uri: String
        package var maxPoolSize: Int
        package var serverSelectionTimeout: Duration
        package var appName: String
        /// How long an answer may take, unless the URI says it.
        ///
        /// The default is an hour, for change streams: a getMore that matches little returns when the server has scanned all of its oplog, which
        /// may take longer than the driver's five minutes; ended early, it would start from the same place again, for ever. Dead connections
        /// are found by TCP keepalive, dead servers by the monitoring.
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
    package let topology = TopologyWatch()
    /// The most clients that there may be.
    package let limit: Int
    private let taken = Atomic(0)

    /// Clients that are lent now.
    package var clientsInUse: Int { taken.load(ordering: .relaxed) }

    /// Reads the URI and starts to monitor; does not wait for a server.
    ///
    /// - Throws: ``MongoError`` of kind `client` for a URI that the driver refuses.
    package init(_ settings: Settings) throws(MongoError) {
        MongoRuntime.start()
        let uri = try Self.parse(settings.uri)
        defer { mongoc_uri_destroy(uri) }
        mongoc_uri_set_option_as_int32(uri, MONGOC_URI_MAXPOOLSIZE, Int32(clamping: settings.maxPoolSize))
        if mongoc_uri_get_option_as_int32(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, -1) == -1 {
            let milliseconds = Int32(clamping: settings.serverSelectionTimeout.milliseconds)
            mongoc_uri_set_option_as_int32(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, milliseconds)
        }
        if mongoc_uri_get_option_as_int32(uri, MONGOC_URI_CONNECTTIMEOUTMS, -1) == -1 {
            // The driver's 10 s would outlast the server selection that waits for it.
            let milliseconds = Int32(clamping: settings.serverSelectionTimeout.milliseconds)
            mongoc_uri_set_option_as_int32(uri, MONGOC_URI_CONNECTTIMEOUTMS, milliseconds)
        }
        if mongoc_uri_get_option_as_int32(uri, MONGOC_URI_SOCKETTIMEOUTMS, -1) == -1 {
            mongoc_uri_set_option_as_int32(uri, MONGOC_URI_SOCKETTIMEOUTMS, Int32(clamping: settings.socketTimeout.milliseconds))
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
    }

    deinit { mongoc_client_pool_destroy(pool) }

    /// What the driver says against a URI, or nil when it takes it. Opens no connection.
    package static func fault(inURI uri: String) -> String? {
        var fault: String?
        // An option that the driver does not know is only logged, and then ignored: a misspelt tls= would mean plain text.
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

    /// Whether the monitoring has a server among those that answer. Sends nothing.
    package func isReachable(_ server: ServerID) -> Bool {
        withClient { client in
            guard let description = mongoc_client_get_server_description(client.handle, server.number) else { return false }
            defer { mongoc_server_description_destroy(description) }
            return String(cString: mongoc_server_description_type(description)) != "Unknown"
        }
    }

    /// Lends a client to the calling thread; waits when all are taken.
    package func withClient<Result, Failure: Error>(
        _ body: (borrowing MongoClient) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // libmongoc returns NULL only with waitQueueTimeoutMS, which has no effect on the bridge's own calls beyond an early wait.
        var handle = mongoc_client_pool_pop(pool)
        while handle == nil { handle = mongoc_client_pool_pop(pool) }
        guard let handle else { preconditionFailure("the loop above ends with a client") }
        taken.add(1, ordering: .relaxed)
        defer {
            mongoc_client_pool_push(pool, handle)
            taken.subtract(1, ordering: .relaxed)
        }
        return try body(MongoClient(handle: handle))
    }
}

/// A server of a pool's deployment, as the driver numbers them. A server that comes back keeps its number.
package struct ServerID: Sendable, Hashable {
    let number: UInt32
}

// Safe: a mongoc_client_pool_t is thread-safe (libmongoc manual); the pointer never changes, and the rest is thread-safe itself.
extension MongoClientPool: @unchecked Sendable {}

extension Duration {
    /// Whole milliseconds, rounded up.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        return overflow ? .max : whole + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    }
}
