import Foundation
import Kafka
import Logging
import Runtime

/// Reads topics for a person.
package struct Tail: Sendable {
    package enum Start: Sendable, Equatable {
        case beginning, end
        case offset(Int64)
        /// Milliseconds since 1970.
        case time(Int64)
    }

    /// One record, as text where it is text.
    package struct Line: Sendable, Encodable {
        package let topic: String
        package let partition: Int32
        package let offset: Int64
        /// Milliseconds since 1970.
        package let timestamp: Int64?
        package let key: String?
        /// Nil for a tombstone.
        package let value: String?
        package let headers: ReadableHeaders

        private enum CodingKeys: CodingKey { case topic, partition, offset, timestamp, key, value, headers }

        package func encode(to encoder: any Encoder) throws {
            var object = encoder.container(keyedBy: CodingKeys.self)
            try object.encode(topic, forKey: .topic)
            try object.encode(partition, forKey: .partition)
            try object.encode(offset, forKey: .offset)
            try object.encode(timestamp, forKey: .timestamp)
            try object.encode(key, forKey: .key)
            // A tombstone is `"value":null`; an empty value is "".
            try object.encode(value, forKey: .value)
            try object.encode(headers, forKey: .headers)
        }
    }

    /// A topic that does not exist.
    package struct UnknownTopic: Error, CustomStringConvertible {
        package let topic: String
        package var description: String {
            "there is no topic \(topic.quoted): correct the name, or wait until somebody writes to it; `bridge config` prints those of the bridge"
        }
    }

    private let settings: KafkaSettings
    private let timeout: Duration
    private let logger: Logger
    private let stop = StopSignal()

    package init(settings: KafkaSettings, timeout: Duration, logger: Logger) {
        self.settings = settings
        self.timeout = timeout
        self.logger = logger
    }

    package func requestStop() { stop.request(grace: .zero) }

    /// Hands out records until `limit` is reached, a stop, or, without `follow`, the ends of the moment of the call.
    ///
    /// - Throws: ``Unreachable``, ``Halt``, ``UnknownTopic``.
    package func run(topics: [String], from start: Start, follow: Bool, limit: Int?, _ print: @escaping @Sendable (Line) -> Void)
        async throws
    {
        try await OperationThread.run("tail", stop: stop, onlyReads: true) {
            try read(topics, from: start, follow: follow, limit: limit, print)
        }
    }

    private func read(_ topics: [String], from start: Start, follow: Bool, limit: Int?, _ print: (Line) -> Void) throws {
        let admin = try KafkaAdmin(settings: settings, logger: logger)
        let reader = try TopicReader(settings: settings)
        var ends: [String: Int64] = [:]
        for topic in topics {
            guard let description = try admin.topic(topic, timeout: timeout) else { throw UnknownTopic(topic: topic) }
            for partition in 0..<Int32(description.partitions) {
                let offsets = try admin.watermarks(topic: topic, partition: partition, timeout: timeout)
                let first: Int64 =
                    switch start {
                    case .beginning: offsets.lowerBound
                    case .end: offsets.upperBound
                    case .offset(let offset): min(max(offset, offsets.lowerBound), offsets.upperBound)
                    case .time(let time):
                        try admin.offset(ofTopic: topic, partition: partition, atMilliseconds: time, timeout: timeout) ?? offsets.upperBound
                    }
                if follow || first < offsets.upperBound {
                    try reader.start(topic: topic, partition: partition, at: first)
                    ends["\(topic)/\(partition)"] = offsets.upperBound
                }
            }
        }
        var count = 0
        while !stop.isRequested, follow || !ends.isEmpty, limit.map({ count < $0 }) ?? true {
            switch try reader.next(timeout: .milliseconds(200), Line.init) {
            case .record(let line):
                let place = "\(line.topic)/\(line.partition)"
                // Without follow, what came after the call began is not part of the listing.
                guard follow || ends[place].map({ line.offset < $0 }) ?? false else { continue }
                print(line)
                count += 1
                if !follow, let end = ends[place], line.offset + 1 >= end { ends[place] = nil }
            case .end(let topic, let partition, _): if !follow { ends["\(topic)/\(partition)"] = nil }
            case .nothing: continue
            }
        }
    }
}

extension Tail.Line {
    fileprivate init(_ record: borrowing TopicReader.Record) {
        topic = record.topic
        partition = record.partition
        offset = record.offset
        timestamp = record.timestamp
        key = record.key?.readable
        value = record.value?.readable
        headers = ReadableHeaders(record.headers)
    }
}
