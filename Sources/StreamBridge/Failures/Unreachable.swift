/// A server that could not be reached before `startupTimeout`.
package struct Unreachable: Error, CustomStringConvertible {
    package let server: String
    package let reason: String
    /// Nil when nothing is known beyond that no answer came.
    package var remedy: String? = nil
    package var description: String {
        if let remedy { return "\(server) could not be reached: \(reason). \(remedy)" }
        let keys = [
            ("MongoDB", "mongodb.uri (hosts, and the name after replicaSet=)"),
            ("Kafka", "kafka.bootstrap.servers and the security settings under kafka"),
        ]
        let wrong = keys.filter { server.contains($0.0) }.map(\.1).joined(separator: " and ")
        return "\(server) could not be reached: \(reason). Start what is missing, or correct \(wrong)"
    }
}

extension Unreachable {
    /// What the failures of both sides end with: what is wrong for good on either one, or all that no answer came from;
    /// nil without failures.
    static func ending(_ failures: [any Error]) -> (any Error)? {
        let unreachable = failures.compactMap { $0 as? Unreachable }
        if let final = failures.first(where: { !($0 is Unreachable) }) { return final }
        guard unreachable.count > 1 else { return unreachable.first }
        return Unreachable(
            server: unreachable.map(\.server).joined(separator: " and "), reason: unreachable.map(\.reason).joined(separator: "; "))
    }
}

extension Result {
    var failure: Failure? {
        if case .failure(let error) = self { error } else { nil }
    }
}
