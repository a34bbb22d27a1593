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
