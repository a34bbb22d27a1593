import ArgumentParser
import Foundation
import Logging
import StreamBridge
import Synchronization

/// `bridge init`
struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Looks at MongoDB and Kafka, and writes a bridge.yaml that fits them, with a reason for each choice.",
        discussion: """
            What is not given is asked for on a terminal. Nothing is changed on either side, and no file is overwritten. A password of the URI is \
            not written into the file: an environment variable takes its place. Then everything is checked, as by `bridge check`.

            \(ExitStatus.help(
                [.done, .unreachable, .configuration, .interrupted],
                [.usage: "wrong usage, or the file exists already", .output: "the file could not be written"]))
            """)

    @OptionGroup var sides: InitOptions

    @Option(name: .long, help: "The bridge's name. (default: the database)")
    var name: String?

    @Option(name: .long, help: ArgumentHelp("The file to write; - for standard output.", valueName: "path"))
    var output = "bridge.yaml"

    @Option(name: .long, help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: Logger.Level = .warning

    private var isFile: Bool { output != "-" }

    func validate() throws {
        if output.isEmpty { throw ValidationError("--output is empty: name a file, or - for standard output") }
    }

    func run() async throws {
        if isFile, ConfigurationFile.exists(output) { throw ValidationError("\(ConfigurationFile.Refused.taken(output))") }
        guard sides.missing.isEmpty || Prompt.isPossible else { _ = try sides.request(); return }
        let level = logLevel
        let logger = Logger(label: "bridge") { _ in LineLogHandler(format: .text, level: level) }
        let environment = ProcessInfo.processInfo.environment
        let initialization = Init(environment: environment, logger: logger)
        // A prompt waits for a line, and hears nothing else.
        let isWritten = Atomic(false)
        Signals.watch {
            Console.error(isWritten.load(ordering: .relaxed) ? "\nstopped before the check" : "\nstopped; nothing was written")
            Console.exit(.interrupted)
        }
        do {
            let plan = try await plan(initialization)
            let configuration = try plan.load(asFile: output, environment: environment)
            guard isFile else {
                Console.print(plan.text)
                tell(plan.notes)
                return
            }
            try ConfigurationFile.create(plan.text, at: output)
            isWritten.store(true, ordering: .relaxed)
            Console.print("\(output) is written")
            tell(plan.notes)
            let findings = await Check(configuration: configuration, logger: logger).run()
            for finding in findings { Console.print(finding.lines) }
            if let status = ExitStatus.gravest(of: findings) { throw status }
            Console.print("next: bridge run\(output == "bridge.yaml" ? "" : " --config \(output)")".harmlessLine)
        } catch let usage as WrongUsage {
            throw ValidationError("\(usage)")
        } catch let refused as ConfigurationFile.Refused where refused.isTaken {
            throw ValidationError("\(refused)")
        } catch let end where end is ValidationError || end is ExitStatus {
            throw end
        } catch {
            Console.error(error)
            throw ExitStatus.of(error)
        }
    }

    private func tell(_ notes: [String]) {
        for note in notes { Console.error("note: \(note)".harmlessLine) }
    }

    // MARK: What is asked for

    private func plan(_ initialization: Init) async throws -> InitPlan {
        guard !sides.missing.isEmpty else {
            let request = try sides.request(name: name)
            // Before anybody is asked to connect.
            _ = try request.scopes()
            let surveyor = try await initialization.reach(mongodb: request.mongodb, kafka: request.kafka)
            return try await initialization.plan(request, with: surveyor, delivery: .exactlyOnce)
        }
        let mongodb = try sides.mongodb ?? answer("URI of MongoDB", proposal: "mongodb://127.0.0.1:27017")
        let kafka = try sides.kafka ?? answer("bootstrap servers of Kafka", proposal: "127.0.0.1:9092")
        let surveyor = try await initialization.reach(mongodb: mongodb, kafka: kafka)
        let watch = sides.watch.isEmpty ? try await watched(initialization, surveyor) : sides.watch
        let proposal = try InitRequest(mongodb: mongodb, kafka: kafka, watch: watch).defaultName()
        let name = try name ?? answer("name of the bridge", proposal: proposal)
        return try await initialization.plan(
            InitRequest(mongodb: mongodb, kafka: kafka, watch: watch, name: name), with: surveyor, delivery: .exactlyOnce)
    }

    private func watched(_ initialization: Init, _ surveyor: Surveyor) async throws -> [String] {
        let collections = try await initialization.collections(surveyor) ?? []
        if !collections.isEmpty {
            Console.error("collections:")
            for collection in collections.prefix(Self.maxListed) { Console.error("  \(collection)".harmlessLine) }
            if collections.count > Self.maxListed { Console.error("  and \(collections.count - Self.maxListed) more") }
        }
        while true {
            let text = try answer("watch (db.coll, db or *; several with spaces)", proposal: collections.first)
            let watch = text.split(separator: " ").map(String.init)
            do throws(WrongUsage) {
                _ = try InitRequest(mongodb: "", kafka: "", watch: watch).scopes()
                return watch
            } catch {
                Console.error("\(error)".harmlessLine)
            }
        }
    }

    private static let maxListed = 50

    private func answer(_ question: String, proposal: String?) throws -> String {
        guard let answer = Prompt.ask(question, proposal: proposal) else { throw ValidationError("no answer to: \(question)") }
        return answer
    }
}
