import Foundation
import Mongo
import Testing

@testable import Runtime
@testable import StreamBridge

/// Majority writes to many documents, each repeated until it is acknowledged: what a bridge has to publish whatever
/// happens meanwhile.
///
/// In every round each document's `n` becomes the round's number. One command touches a document once, so a command
/// whose outcome is unknown can be sent again: where it had succeeded, it changes nothing and makes no event.
final class Load: Sendable {
    private static let documentsPerCommand = 25

    let documents: Int
    let rounds: Int
    private let scene: Scene
    private let acknowledged = Monitor(0)
    private let end = Monitor<Result<Void, any Error>?>(nil)

    var writes: Int { documents * rounds }

    init(documents: Int, rounds: Int, on scene: Scene) {
        self.documents = documents
        self.rounds = rounds
        self.scene = scene
    }

    /// Begins to write on a thread of its own.
    func start() {
        _ = LoopThread.start(name: "load") { [self] in
            let result = Result { try write() }
            end.update { $0 = result }
        }
    }

    /// Blocks until that many writes were acknowledged.
    func wait(forAcknowledged count: Int) throws {
        try acknowledged.wait(for: "\(count) acknowledged writes") { $0 >= count ? () : nil }
    }

    func waitForEnd() throws { try end.wait(for: "the end of the load") { $0 }.get() }

    private func write() throws {
        for round in 1...rounds {
            for first in stride(from: 0, to: documents, by: Self.documentsPerCommand) {
                let ids = first..<min(first + Self.documentsPerCommand, documents)
                try writeUntilAcknowledged(
                    ids.map { ["q": ["_id": .int32(Int32($0))], "u": ["$set": ["n": .int32(Int32(round))]], "upsert": true] })
                acknowledged.update { $0 += ids.count }
            }
        }
    }

    private func writeUntilAcknowledged(_ updates: [BSONValue]) throws {
        let deadline = ContinuousClock.now + Patience.limit
        while true {
            do {
                let reply = try scene.command([
                    "update": "fruits", "updates": .array(updates), "writeConcern": ["w": "majority", "wtimeout": 10_000],
                ])
                if reply["writeErrors"] == nil, reply["writeConcernError"] == nil { return }
            } catch let error as MongoError {
                // A server selection waits for the next primary.
                guard .now < deadline else { throw error }
            }
        }
    }

    /// Compares what was published with what the server's own change stream says and with what was acknowledged.
    ///
    /// - Returns: how many records were repeats.
    @discardableResult
    func expectComplete(_ records: [TestRecord], sourceLocation: SourceLocation = #_sourceLocation) throws -> Int {
        var seen: Set<String> = []
        let firsts = records.filter { seen.insert($0.token).inserted }
        let expected = try scene.events().compactMap { $0["_id"]?.documentValue?["_data"]?.stringValue }
        #expect(seen.symmetricDifference(expected).isEmpty, "events missing or never sent by the server", sourceLocation: sourceLocation)
        #expect(expected.count == writes, "one event for every acknowledged write", sourceLocation: sourceLocation)
        var history: [String: [Int64]] = [:]
        for record in firsts {
            let event = try record.document()
            let fields =
                event["operationType"] == "insert" ? event["fullDocument"] : event["updateDescription"]?.documentValue?["updatedFields"]
            history[record.keyText ?? "", default: []].append(try #require(fields?.documentValue?["n"]?.int64Value))
        }
        #expect(history.count == documents, sourceLocation: sourceLocation)
        let inOrder = history.values.filter { $0 == (1...rounds).map { Int64($0) } }.count
        #expect(inOrder == documents, "documents whose events came in order", sourceLocation: sourceLocation)
        return records.count - firsts.count
    }
}
