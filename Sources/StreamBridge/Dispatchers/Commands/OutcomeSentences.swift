/// The sentences of outcomes: those of the original system (contract, section 5).
struct OutcomeSentences: Sendable {
    /// The word for a resource.
    private let label: String
    private let lowercasedLabel: String

    init(label: String) {
        self.label = label
        lowercasedLabel = label.lowercased()
    }

    func dispatched(_ resource: Resource) -> String { "\(label) #\(resource) has been sent out." }

    func reassigned(_ requested: Resource, to assigned: Resource) -> String {
        "\(busy(requested)) \(label) #\(assigned) has been sent out instead."
    }

    func noneFree(_ requested: Resource) -> String { "\(busy(requested)) Could not find another \(lowercasedLabel)." }

    func noPool(_ requested: Resource) -> String { "\(busy(requested)) Please select another \(lowercasedLabel)." }

    func notInPool(_ requested: Resource) -> String { "\(label) #\(requested) is not in the pool." }

    func completed(_ resource: Resource?) -> String { "\(label) #\(resource.map { "\($0)" } ?? "?") is free again." }

    func noActive(_ target: String) -> String { "No active shipment \(target)." }

    func expired(_ id: String, at time: Int64) -> String { "Command \(id) expired at \(StoredPosition.iso8601(milliseconds: time))." }

    private func busy(_ resource: Resource) -> String { "\(label) #\(resource) is currently performing a shipment." }
}
