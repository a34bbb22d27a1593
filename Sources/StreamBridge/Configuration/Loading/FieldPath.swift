/// Dotted paths to fields: `fullDocument.type`.
enum FieldPath {
    /// Splits a path at its dots.
    ///
    /// - Parameter example: of a path, for a complaint.
    static func parse(_ text: String, example: String = "fullDocument.type") throws(ConfigurationComplaint) -> [String] {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.allSatisfy({ !$0.isEmpty }) else {
            throw ConfigurationComplaint("write names with single dots between them, such as \(example)")
        }
        if let first = parts.first, first.hasPrefix("$") {
            throw ConfigurationComplaint("write the path without `$`: \(text.drop { $0 == "$" })")
        }
        guard !parts.contains(where: { $0.contains(where: \.isWhitespace) && $0.allSatisfy(\.isWhitespace) || $0.contains("\0") }),
            text.first?.isWhitespace != true, text.last?.isWhitespace != true
        else { throw ConfigurationComplaint("remove the spaces around the path") }
        return parts
    }
}

extension RecordKey {
    /// Reads `documentKey`, `none` or a field path.
    init(parsing text: String) throws(ConfigurationComplaint) {
        switch text {
        case "documentKey": self = .documentKey
        case "none": self = .none
        default:
            if !text.contains("."), let nearest = NearestName.of(text, among: ["documentKey", "none"]) {
                throw ConfigurationComplaint(
                    "did you mean `\(nearest)`? allowed: documentKey, none, or a field path such as fullDocument.type")
            }
            guard !text.isEmpty else {
                throw ConfigurationComplaint("allowed: documentKey, none, or a field path such as fullDocument.type")
            }
            self = .field(try FieldPath.parse(text))
        }
    }
}
