import ArgumentParser
import Foundation
import StreamBridge

/// Where to connect and what to watch, without a file.
struct InitOptions: ParsableArguments {
    @Option(
        name: .customLong("mongodb"),
        help: ArgumentHelp("The URI of MongoDB; in single quotes ${NAME} and ${file:PATH} stand for secrets.", valueName: "uri"))
    var mongodb: String?

    @Option(name: .long, help: ArgumentHelp("Kafka's bootstrap servers.", valueName: "host:port"))
    var kafka: String?

    @Option(name: .long, help: ArgumentHelp("A collection, a database or \"*\"; may be repeated.", valueName: "db.coll"))
    var watch: [String] = []

    /// Names of those that are missing.
    var missing: [String] {
        [(mongodb == nil, "--mongodb URI"), (kafka == nil, "--kafka HOST:PORT"), (watch.isEmpty, "--watch DB.COLL")].filter(\.0).map(\.1)
    }

    var isEmpty: Bool { missing.count == 3 }

    /// What was given; wrong usage that names what is missing.
    func request(name: String? = nil) throws -> InitRequest {
        guard let mongodb, let kafka, !watch.isEmpty else { throw ValidationError("missing: \(missing.joined(separator: ", "))") }
        return InitRequest(mongodb: mongodb, kafka: kafka, watch: watch, name: name)
    }
}
