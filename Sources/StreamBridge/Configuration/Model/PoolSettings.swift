import Mongo

extension MongoClientPool.Settings {
    /// - Parameter least: how many clients the caller takes at once; a smaller pool would make them wait for each other
    ///   for ever.
    init(_ settings: MongoDBSettings, minimum: Int = 1, appName: String) {
        self.init(
            uri: settings.uri, maxPoolSize: max(settings.maxPoolSize, minimum), serverSelectionTimeout: settings.serverSelectionTimeout,
            appName: appName)
    }

    /// For writes: an answer that takes much longer than the write concern may take does not come.
    static func writing(_ settings: MongoDBSettings, minimum: Int, appName: String) -> Self {
        var pool = Self(settings, minimum: minimum, appName: appName)
        pool.socketTimeout = (settings.writeConcern.wtimeout ?? .seconds(5)) + .seconds(10)
        return pool
    }
}
