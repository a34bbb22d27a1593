import CKafka
import Foundation
import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

/// docs/OPERATIONS.md has a row for every error that is decided about by code: its codes and its class are those of the
/// sources, what people see, what it means and what they do is written by hand, and agrees with what the sources do.
@Suite struct FailureDocumentationTests {
    /// A row of a table of failures: the codes in its first cell, the class of the metrics, what is seen, what it
    /// means, what to do.
    private struct Row {
        var cells: [String]

        init(_ line: Substring) {
            cells = line.dropFirst(2).dropLast(2).split(separator: " | ", omittingEmptySubsequences: false).map(String.init)
        }

        var line: String { "| " + cells.joined(separator: " | ") + " |" }

        var seen: String { cells[2] }
        var numbers: Set<MongoError.Code> {
            var numbers: Set<MongoError.Code> = []
            for part in cells[0].split(separator: ",") {
                let ends = part.split { !$0.isNumber }.compactMap { Int32($0) }
                guard let first = ends.first, let last = ends.last else { continue }
                numbers.formUnion((first...last).map(MongoError.Code.init(rawValue:)))
            }
            return numbers
        }
        var names: Set<String> { Set(cells[0].split(separator: ",").map { $0.filter { $0 != "`" && $0 != " " } }) }

        /// Fails where the row says something else than the sources.
        func expect(_ failure: Reaction, of code: String) {
            switch failure {
            case .retries: #expect(seen.hasPrefix("`retrying: "), "\(code): \(seen)")
            case .halts(let remedy):
                #expect(seen.hasPrefix("`halted: "), "\(code): \(seen)")
                // The lost positions have chapters of their own.
                let isElsewhere = cells.last?.hasPrefix("[below]") == true
                let words = remedy.split(separator: " ").prefix(4).joined(separator: " ")
                #expect(isElsewhere || cells[3...].contains { $0.contains(words) }, "\(code): the row does not say \"\(words)\"")
            }
        }
    }

    private enum Reaction {
        case retries
        case halts(remedy: String)

        init(_ failure: StreamFailure) { self = failure.halt.map { .halts(remedy: $0.remedy) } ?? .retries }

        init(_ failure: DispatchFailure) {
            if case .halt(let halt) = failure { self = .halts(remedy: halt.remedy) } else { self = .retries }
        }

        /// Nobody has decided about the code.
        var isUnknown: Bool { if case .halts(let remedy) = self { remedy.hasPrefix("This code is not known") } else { false } }
    }

    /// The rows of the first table of a chapter.
    private static func rows(of chapter: String) throws -> [Row] { try OperationsDocument.table(of: chapter).map(Row.init) }

    /// Compares a chapter's codes and classes with those of the sources, row by row; `BRIDGE_UPDATE_DOCS=1` writes them
    /// instead.
    private func compare<Code: Hashable & CustomStringConvertible>(
        _ chapter: String, with table: [FailureTable<Code>.Row], _ codes: (Row) -> Set<Code>, _ text: ([Code]) -> String
    ) throws {
        var missing = table
        var rows = try Self.rows(of: chapter).map { row in
            guard let index = missing.firstIndex(where: { !codes(row).isDisjoint(with: $0.codes) }) else { return row }
            let source = missing.remove(at: index)
            var row = row
            row.cells[0] = text(source.codes) + (source.subjects == [.document] ? ", for one document" : "")
            row.cells[1] = if case .retry(let kind) = source.reaction { "`\(kind)`" } else { "-" }
            return row
        }
        rows += missing.map { Row("| \(text($0.codes)) | - | | | |") }
        try OperationsDocument.compare(rows.map(\.line), withTableOf: chapter)
    }

    private static func text(_ codes: [MongoError.Code]) -> String {
        var runs: [ClosedRange<Int32>] = []
        for code in codes.map(\.rawValue) {
            if let last = runs.last, last.upperBound + 1 == code {
                runs[runs.count - 1] = last.lowerBound...code
            } else {
                runs.append(code...code)
            }
        }
        return runs.map { run in
            run.count > 2 ? "\(run.lowerBound) to \(run.upperBound)" : run.map { "\($0)" }.joined(separator: ", ")
        }.joined(separator: ", ")
    }

    @Test func documentationHasExactlyTheRowsOfTheSources() throws {
        let streams = MongoFailures.table.rows.filter { $0.subjects.contains(.stream) }
        try compare("Failures of MongoDB", with: streams, \.numbers, Self.text)
        let dispatchers = MongoFailures.table.rows.filter { !$0.subjects.contains(.stream) }
        try compare("Failures of dispatchers", with: dispatchers, \.numbers, Self.text)
        func codes(_ row: Row) -> Set<KafkaError.Code> { Set(Self.kafka.filter { row.names.contains($0.description) }) }
        try compare("Failures of Kafka", with: KafkaFailures.table.rows, codes) { $0.map { "`\($0)`" }.joined(separator: ", ") }
    }

    /// A code that two rows decide about would have the reaction of the later one.
    @Test func eachCodeHasOneReactionForEachSubject() {
        func repeated<Code>(_ table: FailureTable<Code>) -> [Code] {
            FailureTable<Code>.Subject.allCases.flatMap { subject in
                let codes = table.rows.filter { $0.subjects.contains(subject) }.flatMap(\.codes)
                return Dictionary(grouping: codes) { $0 }.filter { $0.value.count > 1 }.keys
            }
        }
        #expect(repeated(MongoFailures.table).isEmpty)
        #expect(repeated(KafkaFailures.table).isEmpty)
    }

    private static func server(_ code: MongoError.Code) -> MongoError {
        MongoError(kind: .server(code: code), operation: "o", message: "m")
    }

    /// The row of each number.
    private static func rows(byNumber rows: [Row]) -> [MongoError.Code: Row] {
        Dictionary(rows.flatMap { row in row.numbers.map { ($0, row) } }) { first, second in
            Issue.record("two rows for one code: \(first.cells[0]) and \(second.cells[0])")
            return first
        }
    }

    @Test func everyCodeOfMongoDBHasItsRow() throws {
        let rows = try Self.rows(of: "Failures of MongoDB")
        let byNumber = Self.rows(byNumber: rows)
        for code in Self.codes {
            let reaction = Reaction(StreamFailure(mongoDB: Self.server(code)))
            let row = byNumber[code]
            if (row == nil) != reaction.isUnknown { Issue.record("server code \(code) has a row or is known, not both") }
            row?.expect(reaction, of: "\(code)")
        }
        for kind in [MongoError.Kind.network, .serverSelection, .authentication] {
            let reaction = Reaction(StreamFailure(mongoDB: MongoError(kind: kind, operation: "o", message: "m")))
            let isHalt = if case .halts = reaction { true } else { false }
            let row = rows.first { $0.cells[0].hasPrefix("none") && $0.seen.hasPrefix("`halted") == isHalt }
            try #require(row).expect(reaction, of: "\(kind)")
        }
    }

    /// The server's codes: names up to some hundreds, assertions up to some ten thousands.
    private static let codes = (1...60_000).map(MongoError.Code.init(rawValue:))

    @Test func everyNameOfKafkaHasItsRow() throws {
        let rows = try Self.rows(of: "Failures of Kafka")
        let errors = Self.errorsOfKafka()
        for error in errors {
            let reaction = Reaction(StreamFailure(kafka: error))
            let found = rows.filter { $0.names.contains("\(error.code)") }
            #expect(found.count == (reaction.isUnknown ? 0 : 1), "\(error.code)")
            found.first?.expect(reaction, of: "\(error.code)")
        }
        let misspelt = rows.reduce(into: Set()) { $0.formUnion($1.names) }.subtracting(errors.map(\.code.description))
        #expect(misspelt.isEmpty)
    }

    /// A newer librdkafka has more codes: when this fails, decide about them. A code that is not decided about halts.
    @Test func whatIsNotDecidedAboutIsWhatNoRequestOfABridgeIsAnsweredWith() {
        let undecided = Self.errorsOfKafka().filter { Reaction(StreamFailure(kafka: $0)).isUnknown }.map(\.code.description)
        #expect(Set(undecided).subtracting(Self.undecided).isEmpty)
    }

    private static let undecided: Set<String> = [
        // Of calls that a bridge does not make, or of values that are no errors.
        "_APPLICATION", "_ASSIGN_PARTITIONS", "_BAD_COMPRESSION", "_CONFLICT", "_EXISTING_SUBSCRIPTION", "_FAIL", "_FS", "_INTR",
        "_INVALID_TYPE", "_KEY_DESERIALIZATION", "_KEY_SERIALIZATION", "_NOENT", "_NOOP", "_NOT_CONFIGURED", "_NOT_IMPLEMENTED", "_PARTIAL",
        "_PARTITION_EOF", "_READ_ONLY", "_REVOKE_PARTITIONS", "_UNDERFLOW", "_UNKNOWN_GROUP", "_UNKNOWN_PROTOCOL", "_VALUE_DESERIALIZATION",
        "_VALUE_SERIALIZATION", "ERR_-100?", "ERR_-200?",
        // Of the administration of a cluster, of delegation tokens, of accounts.
        "DELEGATION_TOKEN_AUTHORIZATION_FAILED", "DELEGATION_TOKEN_AUTH_DISABLED", "DELEGATION_TOKEN_EXPIRED", "DELEGATION_TOKEN_NOT_FOUND",
        "DELEGATION_TOKEN_OWNER_MISMATCH", "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", "DUPLICATE_RESOURCE", "ELECTION_NOT_NEEDED",
        "FEATURE_UPDATE_FAILED", "INCONSISTENT_VOTER_SET", "INVALID_PRINCIPAL_TYPE", "INVALID_UPDATE_VERSION",
        "NO_REASSIGNMENT_IN_PROGRESS",
        "PRINCIPAL_DESERIALIZATION_FAILURE", "RESOURCE_NOT_FOUND", "SECURITY_DISABLED", "TOPIC_ALREADY_EXISTS", "TOPIC_DELETION_DISABLED",
        "UNACCEPTABLE_CREDENTIAL",
        // A login's, which the client tells as `_AUTHENTICATION`.
        "ILLEGAL_SASL_STATE", "SASL_AUTHENTICATION_FAILED", "UNSUPPORTED_SASL_MECHANISM",
        // Of groups whose settings are wrong, or that are not the bridge's.
        "FENCED_INSTANCE_ID", "GROUP_ID_NOT_FOUND", "GROUP_MAX_SIZE_REACHED", "GROUP_SUBSCRIBED_TO_TOPIC", "INCONSISTENT_GROUP_PROTOCOL",
        "INVALID_COMMIT_OFFSET_SIZE", "INVALID_GROUP_ID", "INVALID_SESSION_TIMEOUT", "NON_EMPTY_GROUP", "OFFSET_METADATA_TOO_LARGE",
        // A fault of the client.
        "INVALID_MSG_SIZE", "INVALID_REQUEST",
    ]

    /// Every code of this librdkafka.
    private static let kafka: [KafkaError.Code] = {
        var list: UnsafePointer<rd_kafka_err_desc>?
        var count = 0
        rd_kafka_get_err_descs(&list, &count)
        let descriptions = UnsafeBufferPointer(start: list, count: count)
        return descriptions.filter { $0.name != nil && $0.code != RD_KAFKA_RESP_ERR_NO_ERROR }.map { KafkaError.Code($0.code) }
    }()

    private static func errorsOfKafka() -> [KafkaError] { kafka.map { KafkaError(code: $0, operation: "o", message: "m") } }

    @Test func everyCodeOfADispatchersWritesHasItsRow() throws {
        let rows = try Self.rows(of: "Failures of dispatchers")
        let commands = Self.rows(byNumber: rows.filter { $0.seen.hasPrefix("`") })
        let documents = Self.rows(byNumber: rows.filter { $0.seen.contains("dead letter") })
        let streams = Self.rows(byNumber: try Self.rows(of: "Failures of MongoDB"))
        let index = GuardIndex(kind: .partial, field: "truck_id", names: ["truck_id_active"])
        for code in Self.codes {
            let reaction = Reaction(DispatchFailure(mongoDB: Self.server(code), dispatcher: .sample()))
            if !reaction.isUnknown { try #require(commands[code] ?? streams[code], "server code \(code)").expect(reaction, of: "\(code)") }

            let refusal = WriteReply.Refusal(index: 0, code: code, message: "m", keyPattern: ["order"])
            let isDeadLetter = if case .never = DocumentRefusal(refusal, guardedBy: index, dispatcher: .sample()) { true } else { false }
            if (documents[code] != nil) != isDeadLetter { Issue.record("server code \(code) is a dead letter or has a row, not both") }
        }
    }
}
