/// Why two collections may not have one topic, and what gives each its own.
struct TopicConflict: Sendable, Equatable {
    let reason: String
    let remedy: String
}
