import Foundation
import Mongo
import Runtime

/// What `/status` answers (docs/HTTP.md).
struct StatusDocument: Encodable {
    let name: String
    let version: String
    let instance: String
    let startedAt: String
    let ready: Bool
    let notReady: [String]
    let healthy: Bool
    let unhealthy: [String]
    let log: Log
    let mongodb: MongoDB
    let kafka: Kafka
    let streams: [Stream]
    let dispatchers: [Dispatcher]

    init(_ report: BridgeReport) {
        name = report.name
        version = BridgeVersion.current
        instance = Instance.name
        startedAt = StoredPosition.iso8601(milliseconds: report.startedAt)
        ready = report.obstacles.isEmpty
        notReady = report.obstacles.map(\.description)
        healthy = report.ailments.isEmpty
        unhealthy = report.ailments.map(\.description)
        log = Log(linesLost: report.lostLogLines)
        mongodb = MongoDB(
            reachable: report.mongoDB.isReachable, reason: .init(report.mongoDB.silence), version: .init(report.deployment?.version),
            replicaSet: .init(report.deployment?.replicaSet), elections: report.elections)
        kafka = Kafka(reachable: report.kafka.isReachable, reason: .init(report.kafka.silence))
        streams = report.streams.map { Stream($0.settings, $0.snapshot, at: report.at) }
        dispatchers = report.dispatchers.map { Dispatcher($0.settings, $0.snapshot, at: report.at) }
    }

    /// One line.
    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Texts, whole numbers and finite durations: nothing that JSON could not say.
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self).harmless } ?? "{}"
    }

    /// A value that may be unknown: JSON's null then, and not a missing key.
    struct Known<Value: Encodable & Sendable>: Encodable, Sendable {
        let value: Value?

        init(_ value: Value?) { self.value = value }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            if let value { try container.encode(value) } else { try container.encodeNil() }
        }
    }

    struct Log: Encodable {
        let linesLost: Int
    }

    struct MongoDB: Encodable {
        let reachable: Bool
        let reason: Known<String>
        let version: Known<String>
        let replicaSet: Known<String>
        let elections: Int
    }

    struct Kafka: Encodable {
        let reachable: Bool
        let reason: Known<String>
    }

    /// A distribution of durations.
    struct Commits: Encodable {
        let count: Int
        let medianSeconds: Known<Double>
        let p99Seconds: Known<Double>
        let maxSeconds: Known<Double>

        init(_ times: Distribution) {
            count = times.count
            medianSeconds = .init(times.percentile(50))
            p99Seconds = .init(times.percentile(99))
            maxSeconds = .init(times.maximum)
        }
    }

    fileprivate static func retries(_ condition: LoopCondition) -> [String: Int] {
        Dictionary(uniqueKeysWithValues: condition.retries.map { ($0.key.rawValue, $0.value) })
    }
}

extension StatusDocument {
    struct Stream: Encodable {
        struct Position: Encodable {
            let token: Known<String>
            let clusterTime: Known<String>
            let time: Known<String>
            let storedAt: Known<String>

            init(_ place: StreamStatus.StoredPlace) {
                token = .init(place.token)
                clusterTime = .init(place.clusterTime.map { "\($0)" })
                time = .init(place.clusterTime.map { StoredPosition.iso8601(milliseconds: Int64($0.seconds) * 1000) })
                storedAt = .init(place.storedAt.map(StoredPosition.iso8601))
            }
        }

        struct Rates: Encodable {
            let eventsPerSecond: Double
            let bytesPerSecond: Double
        }

        struct Totals: Encodable {
            let events: [String: Int]
            let bytes: [String: Int]
            let records: Int
            let positions: Int
            let gaps: Int
            let takeovers: Int
            let retries: [String: Int]
        }

        struct Queue: Encodable {
            let events: Int
            let bytes: Int
            let limitBytes: Known<Int>
            let unacknowledged: Int
        }

        let name: String
        let watch: String
        let delivery: String
        let state: String
        let since: String
        let reason: Known<String>
        let remedy: Known<String>
        let isLeader: Bool
        let position: Known<Position>
        let positionAgeSeconds: Known<Double>
        let oplogWindowSeconds: Known<Double>
        let lagSeconds: Known<Double>
        let rates: Rates
        let totals: Totals
        let queue: Queue
        let commit: Commits
        /// The fields of ``SnapshotReport``.
        let snapshot: Known<EncodableBSON>

        init(_ settings: StreamSettings, _ snapshot: StreamStatus.Snapshot, at now: ContinuousClock.Instant) {
            let (condition, figures) = (snapshot.condition, snapshot.figures)
            name = settings.name
            watch = settings.watch.description
            delivery = settings.delivery.rawValue
            state = condition.state.rawValue
            since = StoredPosition.iso8601(milliseconds: condition.since)
            reason = .init(condition.reason)
            remedy = .init(condition.remedy)
            isLeader = snapshot.isLeader
            position = .init(snapshot.stored.map { Position($0) })
            positionAgeSeconds = .init(snapshot.positionAge?.seconds)
            oplogWindowSeconds = .init(snapshot.oplogLength?.seconds)
            lagSeconds = .init(snapshot.lag?.seconds)
            rates = Rates(eventsPerSecond: figures.eventsPerSecond(at: now), bytesPerSecond: figures.bytesPerSecond(at: now))
            let seen = ChangeOperation.allCases.filter { figures.operations.events($0) > 0 }
            totals = Totals(
                events: Dictionary(uniqueKeysWithValues: seen.map { ($0.name, figures.operations.events($0)) }),
                bytes: Dictionary(uniqueKeysWithValues: seen.map { ($0.name, figures.operations.bytes($0)) }),
                records: snapshot.recordsPublished, positions: snapshot.positionsStored, gaps: snapshot.gaps,
                takeovers: figures.takeovers, retries: StatusDocument.retries(condition))
            let load = snapshot.load ?? StreamLoad()
            queue = Queue(
                events: load.events, bytes: load.bytes, limitBytes: .init(snapshot.load?.limitBytes), unacknowledged: load.unacknowledged)
            commit = Commits(figures.commitTimes)
            self.snapshot = .init(snapshot.documentSnapshot.map { EncodableBSON(.document(SnapshotReport($0, at: now).document)) })
        }
    }

    struct Dispatcher: Encodable {
        struct Rates: Encodable {
            let outcomesPerSecond: Double
        }

        struct Totals: Encodable {
            let outcomes: [String: Int]
            let deadLetters: Int
            let reassignAttempts: Int
            let retries: [String: Int]
        }

        /// A resource as JSON says it: a number or a text.
        struct Named: Encodable {
            let resource: Resource

            func encode(to encoder: any Encoder) throws {
                var container = encoder.singleValueContainer()
                if let number = resource.value.int64Value { try container.encode(number) } else { try container.encode("\(resource)") }
            }
        }

        struct LastOutcome: Encodable {
            let id: String
            let status: String
            let requested: Known<Named>
            let assigned: Known<Named>
            let message: String
            let at: String

            init(_ outcome: Outcome) {
                id = outcome.id
                status = outcome.status.rawValue
                requested = .init(outcome.requested.map(Named.init))
                assigned = .init(outcome.assigned.map(Named.init))
                message = outcome.message
                at = StoredPosition.iso8601(milliseconds: outcome.at)
            }
        }

        let name: String
        let commands: String
        let collection: String
        let delivery: String
        let state: String
        let since: String
        let reason: Known<String>
        let remedy: Known<String>
        let partitions: Int
        let lagRecords: Known<Int>
        let freeResources: Known<Int>
        let rates: Rates
        let totals: Totals
        let commit: Commits
        let lastOutcomes: [LastOutcome]

        init(_ settings: DispatcherSettings, _ snapshot: DispatchStatus.Snapshot, at now: ContinuousClock.Instant) {
            let condition = snapshot.condition
            name = settings.name
            commands = settings.commands
            collection = settings.collection.description
            delivery = settings.delivery.rawValue
            state = condition.state.rawValue
            since = StoredPosition.iso8601(milliseconds: condition.since)
            reason = .init(condition.reason)
            remedy = .init(condition.remedy)
            partitions = snapshot.partitions
            lagRecords = .init(snapshot.load?.lagRecords)
            freeResources = .init(snapshot.load?.freeResources)
            rates = Rates(outcomesPerSecond: snapshot.figures.outcomesPerSecond(at: now))
            totals = Totals(
                outcomes: snapshot.outcomes, deadLetters: snapshot.deadLetters, reassignAttempts: snapshot.reassignAttempts,
                retries: StatusDocument.retries(condition))
            commit = Commits(snapshot.figures.commitTimes)
            lastOutcomes = snapshot.figures.lastOutcomes.reversed().map { LastOutcome($0) }
        }
    }
}

extension Duration {
    /// Rounded to milliseconds.
    var seconds: Double { (self / .milliseconds(1)).rounded() / 1000 }
}

extension WatchScope: CustomStringConvertible {
    /// As the configuration says it.
    package var description: String {
        switch self {
        case .collection(let namespace): "\(namespace)"
        case .collections(let namespaces): namespaces.map { "\($0)" }.joined(separator: ", ")
        case .database(let database): database
        case .cluster: "*"
        }
    }
}
