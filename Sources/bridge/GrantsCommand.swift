import ArgumentParser
import StreamBridge

/// `bridge grants`
struct GrantsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grants", abstract: "Prints the least rights that this configuration needs, ready to apply.",
        discussion: "Connects to nothing and changes nothing.", subcommands: [GrantsMongoDBCommand.self, GrantsKafkaCommand.self])
}

/// `bridge grants mongodb`
struct GrantsMongoDBCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mongodb", abstract: "Prints a role and a user for mongosh.",
        discussion: """
            The user is that of mongodb.uri, else `bridge`. Its password is asked for by mongosh; it is never printed.

            A dispatcher needs a unique index. By default the command that makes it is printed, so that the account needs no right to make \
            indexes; with --with-index the role has that right.

            --format json prints the same as commands of the server: each with the database that it is for. createUser lacks pwd.
            """)

    @OptionGroup var options: CommonOptions

    @Flag(name: .long, help: "Let the bridge make the unique indexes of its dispatchers.")
    var withIndex = false

    @Option(name: .long, help: "text (for mongosh) or json.")
    var format: ListingFormat = .text

    func run() async throws {
        let grants = try MongoGrants(try options.load(), makesIndexes: withIndex)
        Console.print(try format == .json ? grants.json : grants.shell)
    }
}

/// `bridge grants kafka`
struct GrantsKafkaCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kafka", abstract: "Prints the ACLs as commands of kafka-acls.sh.",
        discussion: """
            For `bridge run`, `check` and `positions`. --with-tools adds what `verify`, `replay`, `send` and `redrive` need: for an operator's \
            account, or for the bridge's own where operators use its configuration.
            """)

    @OptionGroup var options: CommonOptions

    @Option(name: .long, help: "Who the bridge is to Kafka, such as User:bridge. By default User: and sasl.username.")
    var principal: String?

    @Flag(name: .long, help: "Also what verify, replay, send and redrive need.")
    var withTools = false

    @Option(name: .long, help: "text (for a shell) or json.")
    var format: ListingFormat = .text

    func run() async throws {
        let configuration = try options.load()
        let grants: KafkaGrants
        do {
            grants = try KafkaGrants(configuration, principal: principal, includesTools: withTools)
        } catch {
            throw ValidationError("\(error)")
        }
        Console.print(format == .json ? Console.json(grants) : grants.shell)
    }
}
