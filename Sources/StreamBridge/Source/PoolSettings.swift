import Mongo

extension MongoClientPool.Settings {
    /// - Parameter least: how many clients the caller takes at once; a smaller pool would make them wait for each other for ever.
    init(_ settings: MongoDBSettings, least: Int = 1, appName: String) {
        self.init(
            uri: settings.uri, maxPoolSize: max(settings.maxPoolSize, least), serverSelectionTimeout: settings.serverSelectionTimeout,
            appName: appName)
    }
}
