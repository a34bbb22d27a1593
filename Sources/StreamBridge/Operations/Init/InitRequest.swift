import Foundation

/// What a bridge is to connect, as somebody writes it on a command line or answers a question.
package struct InitRequest: Sendable, Equatable {
    /// A driver URI; `${…}` in it is a reference as in the configuration.
    package let mongodb: String
    /// The addresses of Kafka.
    package let kafka: String
    /// `db.coll`, `db` or `*`, each of which becomes a stream.
    package let watch: [String]
    /// Nil for one that follows from what is watched.
    package let name: String?

    package init(mongodb: String, kafka: String, watch: [String], name: String? = nil) {
        self.mongodb = mongodb
        self.kafka = kafka
        self.watch = watch
        self.name = name
    }

    /// What is watched, each once.
    ///
    /// - Throws: ``WrongUsage``.
    package func scopes() throws(WrongUsage) -> [WatchScope] {
        var scopes: [WatchScope] = []
        for text in watch {
            guard !text.contains(",") else {
                throw WrongUsage("--watch takes one db.coll, db or \"*\", and may be repeated; found \(text.quoted)")
            }
            do throws(ConfigurationComplaint) {
                let scope = try WatchScope(parsing: text)
                if !scopes.contains(scope) { scopes.append(scope) }
            } catch {
                throw WrongUsage("--watch \(text.quoted)", error)
            }
        }
        guard !scopes.isEmpty else { throw WrongUsage("--watch: name a collection, a database or \"*\"") }
        return scopes
    }

    /// The name that follows from what is watched.
    ///
    /// - Throws: ``WrongUsage``.
    package func defaultName() throws(WrongUsage) -> String { InitNames.bridge(of: try scopes()) }

    /// The bridge's name.
    ///
    /// - Throws: ``WrongUsage``.
    func bridge(of scopes: [WatchScope]) throws(WrongUsage) -> String {
        guard let name else { return InitNames.bridge(of: scopes) }
        do throws(ConfigurationComplaint) {
            return try LegalName.bridgePart(name)
        } catch {
            throw WrongUsage("--name", error)
        }
    }

    /// A configuration that has nothing but the two addresses, to look at both sides with.
    ///
    /// - Throws: ``WrongUsage`` for what the configuration would refuse.
    func connection(environment: [String: String]) throws(WrongUsage) -> BridgeConfiguration {
        if let option = ConnectionURI.secretOption(in: mongodb) {
            throw WrongUsage(
                "--mongodb: \(option) is a secret, which does not belong into a file: write '…\(option)=${NAME}' for an environment variable, "
                    + "or ${file:PATH}, in single quotes")
        }
        let yaml = """
            name: init
            mongodb: { uri: \(mongodb.jsonQuoted) }
            kafka: { bootstrap.servers: \(kafka.jsonQuoted) }
            streams: [{ name: init, watch: "*" }]
            """
        do throws(ConfigurationFaults) {
            return try ConfigurationLoader.load(
                yaml: yaml, source: "", environment: environment, readFile: { try TextFile.content(of: $0, limit: 1 << 20) },
                checks: .drivers
            ).configuration
        } catch {
            let sentences = error.faults.map { fault in
                (fault.path.hasPrefix("mongodb") ? "--mongodb" : "--kafka") + ": \(fault.found); \(fault.remedy)"
            }
            throw WrongUsage(sentences.joined(separator: ". "))
        }
    }
}
