extension StreamSettings {
    /// The stream as it publishes to the topics of an option `--topic`.
    ///
    /// - Parameter topic: a topic, perhaps with `{db}` and `{coll}`.
    /// - Throws: ``WrongUsage`` that says what is wrong with it.
    func publishing(to topic: String, bridge: String) throws(WrongUsage) -> StreamSettings {
        var settings = self
        do throws(ConfigurationComplaint) {
            settings.topic = try TextTemplate.topic(topic)
            try InternalTopics.refuse(settings.topic, for: watch, of: bridge)
        } catch {
            throw WrongUsage("--topic", error)
        }
        if let refusal = TopicSharing(settings).refusal(of: watch) { throw WrongUsage("--topic: \(refusal.reason). \(refusal.remedy)") }
        return settings
    }
}
