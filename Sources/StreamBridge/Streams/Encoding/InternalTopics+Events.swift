extension InternalTopics {
    /// Refuses the topic of an event when it is one of them.
    static func refuse(_ name: String, of bridge: String) throws(Halt) {
        guard names(of: bridge).contains(name) else { return }
        throw Halt(
            reason: "an event would go to topic \(name), and \(name) belongs to the bridge itself",
            remedy: "Choose another topic template, or leave the events of this collection out with a $match stage", status: .configuration)
    }
}
