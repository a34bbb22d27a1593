import Kafka
import Logging
import Mongo
import Runtime

/// Looks at everything that a configuration needs, on both sides, and changes nothing.
package struct Check: Sendable {
    private let configuration: BridgeConfiguration
    private let logger: Logger
    /// One answer of a server may take this long; a check is for a person who waits.
    private let timeout: Duration

    package init(configuration: BridgeConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        timeout = min(configuration.startupTimeout, .seconds(10))
    }

    /// Blocks in both servers, so it runs on a thread of its own.
    package func run() async -> [Finding] {
        await LoopThread.run(name: "check") {
            var findings = [Finding.ok(.configurationRead, "configuration", "bridge \(configuration.name), \(configuration.parts)")]
            findings += http()
            let kafka = KafkaCheck(configuration: configuration, timeout: timeout, logger: logger)
            findings += kafka.findings
            findings += mongoDB(kafka)
            return findings
        }
    }

    /// Whether something can listen at the address of `http.listen`.
    private func http() -> [Finding] {
        guard let settings = configuration.http, let address = ListenAddress(settings.listen) else { return [] }
        do throws(ListenFailure) {
            try address.tryOut()
            return [.ok(.httpListens, "http", "can listen on \(settings.listen)")]
        } catch {
            // A bridge of this configuration that runs is no fault of it.
            return [
                error.isInUse
                    ? .warning(
                        .httpInUse, "http", "\(error)", remedy: "If that is this bridge, running, nothing. Otherwise: \(error.remedy)")
                    : .error(.httpCannotListen, "http", "\(error)", remedy: error.remedy)
            ]
        }
    }

    private func mongoDB(_ kafka: KafkaCheck) -> [Finding] {
        let uri = ConnectionURI.redacted(configuration.mongodb.uri)
        do {
            let pool = try MongoClientPool(.init(configuration.mongodb, appName: "bridge.\(configuration.name).check"))
            let deployment = try Deployment(of: pool)
            let kind = deployment.replicaSet.map { "replica set \($0)" } ?? "sharded cluster"
            var findings = [Finding.ok(.mongoReached, "MongoDB", "\(uri): server \(deployment.version), \(kind)")]
            let privileges = try PrivilegeCheck(configuration, deployment: deployment, pool: pool)
            findings += privileges.findings
            let window = Result { try deployment.oplogWindow(pool: pool) }
            findings += oplog(window)
            for stream in configuration.streams where privileges.allows(stream) {
                findings += self.stream(
                    stream, stored: kafka.positions[stream.name], isKnown: !kafka.unknown.contains(stream.name), deployment: deployment,
                    oplog: window, pool: pool)
            }
            return findings + dispatchers(pool: pool, deployment: deployment, privileges: privileges)
        } catch let halt as Halt {
            return [.halt(.mongoStandalone, "MongoDB", halt)]
        } catch let error as MongoError where error.kind == .serverSelection || error.kind == .network {
            let failure = ConnectionFailure(error)
            return [
                .error(
                    .mongoUnreachable, "MongoDB", "\(uri): \(failure.reason)",
                    remedy: failure.remedy ?? "Start the server, or correct mongodb.uri",
                    status: failure.isOfConfiguration ? .configuration : .unreachable)
            ]
        } catch let error as MongoError where error.kind == .authentication {
            return [
                .error(
                    .mongoCredentials, "MongoDB", "\(uri): \(error)",
                    remedy: "Check user, password, authSource and authMechanism in mongodb.uri")
            ]
        } catch {
            return [.error(.mongoFailed, "MongoDB", "\(uri): \(error)", remedy: "Check mongodb.uri")]
        }
    }

    private func dispatchers(pool: MongoClientPool, deployment: Deployment, privileges: PrivilegeCheck) -> [Finding] {
        guard !configuration.dispatchers.isEmpty else { return [] }
        return WriteConcernCheck.findings(configuration.mongodb.writeConcern, pool: pool)
            + configuration.dispatchers.filter(privileges.allows).flatMap { settings in
                DispatcherCheck(settings: settings, bridge: configuration.name, timeout: timeout)
                    .findings(pool: pool, deployment: deployment, privileges: privileges.account)
            }
    }

    /// How far back a position can be resumed.
    private func oplog(_ window: Result<OplogWindow, any Error>) -> [Finding] {
        do {
            let window = try window.get()
            return [.ok(.oplogWindow, "oplog", "goes back to \(window.oldest.readable), \(window.length.readable)")]
        } catch let hidden as OplogWindow.Hidden {
            return [.ok(.oplogHidden, "oplog", "\(hidden)")]
        } catch let error as MongoError where error.code == .unauthorized {
            // Told as a right that is missing, if a stream needs it.
            return []
        } catch {
            return [.warning(.oplogUnreadable, "oplog", "cannot be read: \(error)", remedy: "Try again when the server is well")]
        }
    }

    private func stream(
        _ settings: StreamSettings, stored: StoredPosition?, isKnown: Bool, deployment: Deployment,
        oplog: Result<OplogWindow, any Error>, pool: MongoClientPool
    ) -> [Finding] {
        let subject = "stream \(settings.name)"
        var findings = settings.fields.map { [Finding.ok(.streamFields, subject, "fields: \($0)")] } ?? []
        if let stored {
            let time = stored.position.token.clusterTime?.readable ?? "unknown"
            findings.append(
                .ok(.streamPosition, subject, "stored position at cluster time \(time), \(stored.position.events) events so far"))
            if let position = stored.position.token.clusterTime, let oplog = try? oplog.get(), position >= oplog.oldest,
                oplog.leaves(lessThanOneOf: OplogHeadroom.parts, to: position)
            {
                findings.append(
                    .warning(
                        .streamPositionNearEnd, subject,
                        "only \((position - oplog.oldest).readable) of the oplog's \(oplog.length.readable) are left to that position",
                        remedy: "Start the stream, or find out what holds it up, before they are gone; or keep a larger oplog: "
                            + "db.adminCommand({replSetResizeOplog: 1, size: MEGABYTES})"))
            }
            if let changes = stored.changes(of: settings) {
                findings.append(
                    .warning(
                        .streamDefinitionChanged, subject, "\(changes) changed since the position was stored",
                        remedy: "If that was meant, nothing: the stream continues from its position"))
            }
        }
        do {
            var review = try remarks(on: settings, pool: pool)
            if !review.contains(where: \.isFault), stored == nil, settings.snapshot.when == .initial {
                review += try SnapshotReview.remarks(on: settings, deployment: deployment, pool: pool)
            }
            findings += review.map { remark in
                remark.isFault
                    ? .halt(remark.id, subject, remark.halt) : .warning(remark.id, subject, remark.text, remedy: remark.remedy)
            }
            // The stream would be refused for the same reason in other words.
            if review.contains(where: \.isFault) { return findings }
            if let theirs = stored?.replicaSet, let ours = deployment.replicaSet, theirs != ours {
                throw PositionError.otherReplicaSet(stored: theirs, connected: ours)
            }
            let start = try stored.map { .after($0.position.token) } ?? deployment.start(at: settings.startAt, pool: pool)
            // The real stream, not an imitation of it: another pipeline could accept or refuse another token.
            _ = try PositionTrial.open(settings, at: start, on: deployment, pool: pool)
            let place = stored == nil ? "opens at \(settings.startAt)" : "resumes after its stored position"
            findings.append(
                .ok(.streamOpens, subject, isKnown ? place : "MongoDB takes it; where it begins is not known, because its position is not"))
            findings += images(settings, pool: pool)
        } catch {
            if let stored, let error = error as? MongoError,
                let lost = LostPosition(stored.position, error: error, changed: stored.changes(of: settings), oplog: { try oplog.get() })
            {
                return findings + [self.lost(lost, settings)]
            }
            switch StreamFailure(error, stream: settings, bridge: configuration.name) {
            case .halt(let halt): findings.append(.halt(.streamHalts, subject, halt))
            case .reopen, .restart:
                findings.append(
                    .error(.streamUnavailable, subject, "\(error)", remedy: "Try again when the server is well", status: .unreachable))
            }
        }
        return findings
    }

    private func remarks(on settings: StreamSettings, pool: MongoClientPool) throws -> [StreamRemark] {
        let remarks = PipelineReview.remarks(on: settings)
        guard let found = try WatchedCollections.find(of: settings.watch, pool: pool) else { return remarks }
        let catalog = (try? KafkaAdmin(settings: configuration.kafka, logger: logger)).map {
            TopicCatalog(admin: $0, settings: configuration.topics, stop: StopSignal(), logger: logger)
        }
        return remarks + StreamReview.remarks(on: settings, with: found) { catalog?.keepsOnlyNewest($0) ?? false }
    }

    private func lost(_ lost: LostPosition, _ settings: StreamSettings) -> Finding {
        let subject = "stream \(settings.name)"
        let gaps = InternalTopics.gaps(of: configuration.name)
        let place: String
        switch settings.onLostPosition {
        case .halt: return .halt(.streamPositionLost, subject, lost.halt(stream: settings.name, gaps: gaps))
        case .now: place = "now"
        case .oldest: place = (try? lost.oplog.get()).map { lost.oldestPlace(in: $0).readable } ?? "the oldest entry"
        }
        return .warning(
            .streamPositionLost, subject, lost.reason,
            remedy:
                "By onLostPosition: \(settings.onLostPosition.rawValue) the stream continues at \(place), with a record of the gap in topic "
                + "\(gaps). To decide anew, write `onLostPosition: halt` before the next start")
    }

    /// A stream that requires pre- or post-images halts at the first change of a collection without them.
    private func images(_ settings: StreamSettings, pool: MongoClientPool) -> [Finding] {
        settings.collectionsWithImages.compactMap { namespace in
            let found = try? WatchedCollections.find(of: .collection(namespace), withOptions: true, pool: pool)
            guard let collection = found?.entries.first, !collection.keepsImages else { return nil }
            return .error(
                .streamImagesNotKept, "stream \(settings.name)",
                "\(namespace) keeps no pre- and post-images, and the stream requires them",
                remedy: "db.getSiblingDB(\"\(namespace.database)\").runCommand({collMod: \"\(namespace.collection)\", "
                    + "changeStreamPreAndPostImages: {enabled: true}})")
        }
    }
}
