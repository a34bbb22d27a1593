import Mongo
import Testing

@testable import StreamBridge

/// Commands that make a collection under another name and rename it at their end.
@Suite struct TemporaryCollectionsMongodTests {
    private static func topic(_ collection: String, _ scene: Scene) -> String { "\(scene.name).\(scene.database).\(collection)" }

    /// No others were made.
    private static func expectTopics(_ names: [String], on scene: Scene) throws {
        #expect(try scene.kafka.topics().filter { $0.hasPrefix("\(scene.name).") }.sorted() == names.map { topic($0, scene) }.sorted())
    }

    private static func stream(_ scene: Scene, expanded: Bool = false) throws -> StreamSettings {
        let template = try TextTemplate.parsing("\(scene.name).{db}.{coll}")
        return scene.stream("fruits", .database(scene.database)) {
            $0.topic = template
            $0.showExpandedEvents = expanded
        }
    }

    @Test(arguments: [false, true])
    func outReplacesACollectionWithOneRecordAndMakesNoOtherTopic(expanded: Bool) async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1], ["_id": 2]])
            for name in ["copies", "end", "fruits"] { try scene.kafka.create(topic: Self.topic(name, scene)) }
            let stream = try Self.stream(scene, expanded: expanded)
            let bridge = try scene.bridge([stream])
            for _ in 0..<3 { try scene.command(["aggregate": "fruits", "pipeline": [["$out": "copies"]], "cursor": [:]]) }
            try scene.insert([["_id": "last"]], into: "end")
            _ = try scene.follow(Self.topic("end", scene)).wait(count: 1)
            #expect(try bridge.stop().isEmpty)
            try Self.expectTopics(["copies", "end", "fruits"], on: scene)
            let copies = try scene.records(Self.topic("copies", scene))
            #expect(copies.map(\.operation) == ["rename", "rename", "rename"])
            #expect(copies.allSatisfy { $0.key == nil })
            let targets = try copies.map { try $0.document()["to"]?.documentValue?["coll"] }
            #expect(targets == ["copies", "copies", "copies"])
            // All that is left out lies before the position.
            #expect(try scene.position()?.position.token.clusterTime ?? scene.beginning > scene.beginning)
            let report = try scene.verify(stream)
            #expect(report.isClean && report.missing == 0, "\(report)")
        }
    }

    @Test func aRenamingFromAnotherDatabaseMakesNoTopicOfItsOwn() async throws {
        try await Scene.play { scene in
            let other = "\(scene.database)-other"
            try scene.insert([["_id": 1]], into: "things", of: other)
            for name in ["end", "things"] { try scene.kafka.create(topic: Self.topic(name, scene)) }
            let bridge = try scene.bridge([try Self.stream(scene)])
            try scene.command(
                ["renameCollection": .string("\(other).things"), "to": .string("\(scene.database).things")], on: "admin")
            try scene.command(["convertToCapped": "things", "size": 4096])
            try scene.insert([["_id": "last"]], into: "end")
            _ = try scene.follow(Self.topic("end", scene)).wait(count: 1)
            #expect(try bridge.stop().isEmpty)
            try Self.expectTopics(["end", "things"], on: scene)
        }
    }
}
