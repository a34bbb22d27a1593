import Mongo

@testable import Runtime
@testable import StreamBridge

extension Scene {
    /// Verifies a stream in this process.
    ///
    /// - Parameters:
    ///   - uri: another login than the scene's.
    ///   - show: called with each step, on the thread that verifies.
    func verify(
        _ stream: StreamSettings, _ request: Verify.Request = .init(), uri: String? = nil,
        show: @escaping @Sendable (Verify.Progress) -> Void = { _ in }
    ) throws -> VerifyReport {
        try verifying(stream) {
            if let uri { $0.mongodb.uri = uri }
        } _: {
            try await $0.run(request, show)
        }
    }

    /// Compares a stream's newest records with the documents.
    func verifyDocuments(_ stream: StreamSettings, configure: (inout BridgeConfiguration) -> Void = { _ in }) throws -> VerifyReport {
        try verifying(stream, configure: configure) { try await $0.documents() }
    }

    private func verifying(
        _ stream: StreamSettings, configure: (inout BridgeConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable (Verify) async throws -> VerifyReport
    ) throws -> VerifyReport {
        var configuration = configuration([stream])
        configure(&configuration)
        let verify = Verify(configuration: configuration, stream: stream, logger: log.logger)
        let end = Monitor<Result<VerifyReport, any Error>?>(nil)
        Task.detached {
            let result: Result<VerifyReport, any Error>
            do { result = .success(try await body(verify)) } catch { result = .failure(error) }
            end.update { $0 = result }
        }
        return try end.wait(for: "the verification") { $0 }.get()
    }

    /// Puts records on a topic as if a bridge had published them, in this order.
    func forge(_ records: [TestRecord], on topic: String? = nil) throws {
        let names: [StaticString] = [
            "mongodb.token", "mongodb.op", "mongodb.ns", "mongodb.clusterTime", "mongodb.wallTime", "bridge.stream", "bridge.origin",
        ]
        let producer = try ReportingProducer(kafka.settings)
        for record in records {
            let headers = names.compactMap { name in record.headers["\(name)"].map { (name, Array($0.utf8)) } }
            guard
                try producer.produce(
                    topic ?? self.topic(), key: record.key, value: record.value, headers: headers, timestamp: record.timestamp ?? 0)
            else { throw WaitedInVain(what: "room for a record") }
        }
        try producer.wait(acknowledged: records.count)
    }

    /// Stores a position as if a bridge had come that far.
    func storePosition(_ token: String, of stream: StreamSettings, events: Int64) throws {
        let stored = StoredPosition(
            stream: stream.name, position: StreamPosition(token: ResumeToken(text: token), wallTime: nil, events: events),
            options: StoredPosition.definitionHash(of: stream), replicaSet: nil, writer: Instance.name, writtenAt: WallClock.milliseconds())
        let producer = try ReportingProducer(kafka.settings)
        guard try producer.produce(positionsTopic, key: Array(stream.name.utf8), value: stored.json) else {
            throw WaitedInVain(what: "room for a record")
        }
        try producer.wait(acknowledged: 1)
    }
}

extension TestRecord {
    /// Another record like this one.
    func with(value: [UInt8]? = nil, headers changes: [String: String] = [:]) -> TestRecord {
        var record = self
        if let value { record.value = value }
        record.headers.merge(changes) { $1 }
        return record
    }

    /// A token between this record's and the next: no event has it.
    var inventedToken: String { token.dropLast(2) + "05" }
}
