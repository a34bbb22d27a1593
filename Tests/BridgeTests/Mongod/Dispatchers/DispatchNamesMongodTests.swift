import Mongo
import Testing

@testable import Runtime
@testable import StreamBridge

/// Commands without an id are named by their coordinates, which may come back. Nobody gets another command's answer.
@Suite struct DispatchNamesMongodTests {
    private static func nameless(_ truck: Int, _ product: String = "socks") -> String {
        #"{"truck_id":\#(truck),"source":"New York","destination":"Atlanta","product":"\#(product)","quantity":40}"#
    }

    /// Lets the documents be those of the records that stood at these places before the topic was made anew: an hour
    /// older.
    private static func makeOlder(_ dispatching: Dispatching) throws {
        try dispatching.scene.command([
            "update": .string(dispatching.settings.collection.collection),
            "updates": [
                [
                    "q": [:], "multi": true,
                    "u": [["$set": ["command.timestamp": ["$subtract": ["$command.timestamp", 3_600_000]]]]],
                ]
            ], "writeConcern": ["w": "majority"],
        ])
    }

    /// A bridge whose group has read nothing yet, so that it gets every record of the topic.
    private static func beginAnew(_ dispatching: Dispatching, _ name: String) throws -> RunningBridge {
        try dispatching.scene.bridge(dispatching) { $0.dispatchers[0].name = name }
    }

    @Test func theSameRecordsGetTheSameAnswersAndOtherOnesAtTheirPlacesAreDeadLetters() async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: [4, 48])
            var bridge = try scene.bridge(dispatching)
            let commands = [
                Self.nameless(4), Self.nameless(4), Self.nameless(4), #"{"complete":"\#(dispatching.settings.commands)/0/0"}"#,
                CommandText.dispatch("c-1", 4),
            ]
            let first = try commands.map { try dispatching.answer(to: $0) }
            #expect(first.map(\.status) == ["dispatched", "reassigned", "rejected", "completed", "dispatched"])
            #expect(try bridge.stop().isEmpty)

            bridge = try Self.beginAnew(dispatching, "again")
            #expect(try dispatching.outcomes(count: 10).suffix(5) == first[...])
            #expect(try bridge.stop().isEmpty)
            #expect(try dispatching.allDeadLetters().isEmpty)

            // As if the topic had been made anew, and the same bytes stood there again.
            try Self.makeOlder(dispatching)
            let shipments = try dispatching.shipments()
            bridge = try Self.beginAnew(dispatching, "anew")
            let answers = try dispatching.outcomes(count: 15).suffix(5)
            let letters = try dispatching.deadLetters(count: 4)
            #expect(try bridge.stop().isEmpty)
            // One that brings its own id is the same command, wherever it stands.
            #expect(answers.map(\.status) == ["invalid", "invalid", "invalid", "invalid", "dispatched"])
            #expect(answers.last == first.last)
            for (offset, (answer, letter)) in zip(answers, letters).enumerated() {
                let name = "\(dispatching.settings.commands)/0/\(offset)"
                #expect(answer.id == name)
                #expect(
                    answer.message.hasPrefix("the command has no id, and its name \(name) belongs to another one: record \(name) of "))
                #expect(letter.headers["error.code"] == "idTaken")
                #expect(letter.headers["error.message"] == answer.message)
                #expect(letter.text == commands[offset])
            }
            #expect(try dispatching.shipments() == shipments)

            // Sent back they have names of their own, and are carried out once.
            let redrive = Redrive(
                configuration: {
                    var configuration = scene.configuration([])
                    configuration.dispatchers = [dispatching.settings]
                    return configuration
                }(), dispatcher: dispatching.settings, logger: .silent)
            for _ in 0..<2 { _ = try Self.run(redrive) }
            bridge = try scene.bridge(dispatching)
            // Eight records were sent back; the group of the first bridge continues behind what it had read.
            let redriven = try dispatching.outcomes(count: 15 + 8).suffix(8)
            #expect(try bridge.stop().isEmpty)
            let names = (0..<4).map { "\(dispatching.settings.deadLetters)/0/\($0)" }
            #expect(redriven.map(\.id) == names + names)
            #expect(Array(redriven.prefix(4)) == Array(redriven.suffix(4)))
            #expect(redriven.allSatisfy { $0.status != "invalid" })
        }
    }

    private static func run(_ redrive: Redrive) throws -> Redrive.Summary {
        let end = Monitor<Result<Redrive.Summary, any Error>?>(nil)
        Task.detached {
            let result: Result<Redrive.Summary, any Error>
            do { result = .success(try await redrive.run(.init(codes: ["idTaken"]), sendsBack: true) { _ in }) } catch {
                result = .failure(error)
            }
            end.update { $0 = result }
        }
        return try end.wait(for: "the redrive") { $0 }.get()
    }

    @Test func anIDThatReadsLikeCoordinatesDoesNotShadowTheCommandThere() async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: [4, 48])
            let bridge = try scene.bridge(dispatching)
            let name = "\(dispatching.settings.commands)/0/1"
            let explicit = CommandText.dispatch(name, 4)
            // In one batch or in two.
            let outcomes = try dispatching.answers(to: [explicit, Self.nameless(48), explicit])
            #expect(outcomes.map(\.status) == ["dispatched", "invalid", "dispatched"])
            #expect(outcomes.map(\.id) == [name, name, name])
            #expect(outcomes[2] == outcomes[0])
            #expect(try dispatching.deadLetters(count: 1).map { $0.headers["error.code"] } == ["idTaken"])
            // The other way round the id means the command that was there.
            let nameless = try dispatching.answer(to: Self.nameless(48))
            #expect(nameless.id == "\(dispatching.settings.commands)/0/3")
            #expect(try dispatching.answer(to: CommandText.dispatch(nameless.id, 4)) == nameless)
            #expect(try bridge.stop().isEmpty)
            #expect(try dispatching.allDeadLetters().count == 1)
        }
    }

    /// Documents of a version that stored neither time nor digest are taken for the command's.
    @Test func documentsThatSayLessAreTheirCommands() async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: [4])
            var bridge = try scene.bridge(dispatching)
            let first = try dispatching.answer(to: Self.nameless(4))
            #expect(try bridge.stop().isEmpty)
            try scene.update(
                .string(first.id), ["$unset": ["command.timestamp": "", "command.digest": ""]],
                in: dispatching.settings.collection.collection)
            bridge = try Self.beginAnew(dispatching, "again")
            #expect(try dispatching.outcomes(count: 2).last == first)
            #expect(try bridge.stop().isEmpty)
            #expect(try dispatching.allDeadLetters().isEmpty)
        }
    }
}
