extension TopicName {
    /// - Throws: for a name that is longer than Kafka takes.
    static func refuseLong(_ name: String) throws(Halt) {
        guard name.utf8.count > maximumLength else { return }
        throw Halt(
            reason: "topic name \(name) has \(name.utf8.count) characters, and Kafka takes at most \(maximumLength)",
            remedy: "Give the stream a shorter topic template", status: .configuration)
    }
}
