extension TopicName {
    /// - Throws: for a name that is longer than Kafka takes.
    static func refuseLong(_ name: String) throws(StreamHalt) {
        guard name.utf8.count > maximumLength else { return }
        throw StreamHalt(
            reason: "topic name \(name) has \(name.utf8.count) characters, and Kafka takes at most \(maximumLength)",
            mend: "Give the stream a shorter topic template", status: .configuration)
    }
}
