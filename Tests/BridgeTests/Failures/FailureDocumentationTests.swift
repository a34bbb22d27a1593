import CKafka
import Foundation
import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

/// docs/OPERATIONS.md has a row for every error that is decided about by name, and says of each what the sources do.
@Suite struct FailureDocumentationTests {
    /// A row of a table of failures: the codes in its first cell, what is seen, what it means, what to do.
    private struct Row {
        let cells: [String]

        var seen: String { cells[1] }
        var numbers: Set<Int32> {
            var numbers: Set<Int32> = []
            for part in cells[0].split(separator: ",") {
                let ends = part.split { !$0.isNumber }.compactMap { Int32($0) }
                guard let first = ends.first, let last = ends.last else { continue }
                numbers.formUnion(first...last)
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
                #expect(isElsewhere || cells[2...].contains { $0.contains(words) }, "\(code): the row does not say \"\(words)\"")
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
    private static func rows(of chapter: String) throws -> [Row] {
        let text = try ConfigurationText.file("docs/OPERATIONS.md")
        let start = try #require(text.range(of: "\n## \(chapter)\n")).upperBound
        let lines = text[start...].split(separator: "\n", omittingEmptySubsequences: false)
        return lines.drop { !$0.hasPrefix("|---") }.dropFirst().prefix { $0.hasPrefix("|") }.map { line in
            Row(cells: line.dropFirst().dropLast().split(separator: "|").map { String($0.trimmingPrefix(" ")) })
        }
    }

    private static func server(_ code: Int32) -> MongoError { MongoError(kind: .server(code: code), operation: "o", message: "m") }

    /// The row of each number.
    private static func rows(byNumber rows: [Row]) -> [Int32: Row] {
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
    private static let codes: ClosedRange<Int32> = 1...60_000

    @Test func everyNameOfKafkaHasItsRow() throws {
        let rows = try Self.rows(of: "Failures of Kafka")
        let errors = try Self.errorsOfKafka()
        for error in errors {
            let reaction = Reaction(StreamFailure(kafka: error))
            let found = rows.filter { $0.names.contains(error.name) }
            #expect(found.count == (reaction.isUnknown ? 0 : 1), "\(error.name)")
            found.first?.expect(reaction, of: error.name)
        }
        let misspelt = rows.reduce(into: Set()) { $0.formUnion($1.names) }.subtracting(errors.map(\.name))
        #expect(misspelt.isEmpty)
    }

    /// A newer librdkafka has more codes: whoever sees this fail decides about them. A code that is not decided about halts.
    @Test func whatIsNotDecidedAboutIsWhatNoRequestOfABridgeIsAnsweredWith() throws {
        let undecided = try Self.errorsOfKafka().filter { Reaction(StreamFailure(kafka: $0)).isUnknown }.map(\.name)
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

    private static func errorsOfKafka() throws -> [KafkaError] {
        var list: UnsafePointer<rd_kafka_err_desc>?
        var count = 0
        rd_kafka_get_err_descs(&list, &count)
        let descriptions = UnsafeBufferPointer(start: try #require(list), count: count)
        return descriptions.filter { $0.name != nil && $0.code != RD_KAFKA_RESP_ERR_NO_ERROR }.map { KafkaError($0.code, operation: "o") }
    }

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
