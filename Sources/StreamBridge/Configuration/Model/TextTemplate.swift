/// Text with placeholders: `mongo.{db}.{coll}`, `There are only {fullDocument.quantity} units left of
/// {fullDocument.type}!`. A doubled brace stands for itself.
package struct TextTemplate: Sendable, Equatable {
    package enum Segment: Sendable, Equatable {
        case literal(String)
        /// A dotted path, split at the dots.
        case placeholder([String])
    }

    package var segments: [Segment]
}

extension TextTemplate {
    /// `mongo.{db}.{coll}`, the default of `topic`.
    static let ofCollections = TextTemplate(segments: [
        .literal("mongo."), .placeholder(["db"]), .literal("."), .placeholder(["coll"]),
    ])
}
