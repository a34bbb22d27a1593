/// The sentence about a name on the command line that the configuration does not have.
enum UnknownName {
    static func sentence(_ kind: String, _ name: String, known: [String]) -> String {
        guard !known.isEmpty else { return "there is no \(kind) \(name.quoted): the configuration has none" }
        let nearest = NearestName.of(name, among: known).map { "; did you mean \($0.quoted)?" } ?? ";"
        return "there is no \(kind) \(name.quoted)\(nearest) known: \(known.joined(separator: ", "))"
    }
}
