import Kafka
import Logging
import Mongo
import Runtime

/// Shows the dead letters of a dispatcher, and sends them back to its command topic.
package struct Redrive: Sendable {
    /// Which dead letters; a condition that is empty asks for nothing.
    package struct Filter: Sendable, Equatable {
        package var codes: Set<String> = []
        /// Put aside at or after this time, in milliseconds since 1970.
        package var since: Int64?
        package var id: String?
        package var places: Set<RecordCoordinates> = []

        package init(codes: Set<String> = [], since: Int64? = nil, id: String? = nil, places: Set<RecordCoordinates> = []) {
            self.codes = codes
            self.since = since
            self.id = id
            self.places = places
        }

        package var isEmpty: Bool { self == Filter() }

        func takes(_ letter: FoundDeadLetter) -> Bool {
            if !codes.isEmpty, !codes.contains(letter.code) { return false }
            if let since, letter.time.map({ $0 < since }) ?? true { return false }
            if let id, ByteEqualString(letter.id) != ByteEqualString(id) { return false }
            return places.isEmpty || places.contains(letter.place)
        }
    }

    package struct Summary: Sendable, Equatable {
        package var found = 0
        /// Dead letters that Kafka has stored among the commands again.
        package var sent = 0
        /// Places of the filter where there is no dead letter of this dispatcher.
        package var missing: [RecordCoordinates] = []
        /// A stop came before the end.
        package var isStopped = false
    }

    private let configuration: BridgeConfiguration
    private let dispatcher: DispatcherSettings
    private let logger: Logger
    private let stop = StopSignal()

    package init(configuration: BridgeConfiguration, dispatcher: DispatcherSettings, logger: Logger) {
        self.configuration = configuration
        self.dispatcher = dispatcher
        self.logger = logger
    }

    package func requestStop() { stop.request(grace: .zero) }

    /// Hands out the dead letters that there are at the moment of the call.
    ///
    /// - Parameter sendsBack: whether each is sent back after it was handed out.
    /// - Throws: ``Unreachable``, ``Halt``, ``SendingInterrupted``.
    package func run(_ filter: Filter, sendsBack: Bool, _ show: @escaping @Sendable (FoundDeadLetter) -> Void) async throws -> Summary {
        try await OperationThread.run("redrive", stop: stop, onlyReads: !sendsBack) { try redrive(filter, sendsBack: sendsBack, show) }
    }

    private func redrive(_ filter: Filter, sendsBack: Bool, _ show: (FoundDeadLetter) -> Void) throws -> Summary {
        let timeout = configuration.startupTimeout
        let admin = try KafkaAdmin(settings: configuration.kafka, logger: logger)
        let decoder = CommandDecoder(dispatcher)
        var sender: RecordSender?
        if sendsBack {
            try TopicCatalog(admin: admin, settings: configuration.topics, stop: stop, logger: logger)
                .ensure(dispatcher.commands, timeout: timeout)
            sender = try RecordSender(topic: dispatcher.commands, settings: configuration.kafka, patience: timeout, logger: logger)
        }
        var summary = Summary()
        var missing = filter.places
        do {
            // A topic that does not exist has no dead letters.
            try TopicReader.scan(
                dispatcher.deadLetters, admin: admin, settings: configuration.kafka, timeout: timeout, stop: stop,
                { record in FoundDeadLetter(record, of: dispatcher, decoder: decoder) },
                take: { letter throws(KafkaError) in
                    guard let letter, filter.takes(letter) else { return }
                    summary.found += 1
                    missing.remove(letter.place)
                    show(letter)
                    try sender?.send(letter.original)
                })
            try sender?.finish()
        } catch {
            guard let sender else { throw error }
            throw SendingInterrupted(sent: sender.stored, topic: dispatcher.commands, cause: OperationFailure.ending(error))
        }
        summary.sent = sender?.stored ?? 0
        summary.isStopped = stop.isRequested
        summary.missing = summary.isStopped ? [] : missing.sorted()
        return summary
    }
}
