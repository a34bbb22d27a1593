import Mongo

extension MongoClientPool.Settings {
    /// The pool of a configuration: one client more per stream than the URI's reader than it needs at once would wait for another.
    init(_ settings: MongoDBSettings, appName: String) {
        self.init(
            uri: settings.uri, maxPoolSize: settings.maxPoolSize, serverSelectionTimeout: settings.serverSelectionTimeout, appName: appName)
    }
}
