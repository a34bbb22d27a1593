import CMongo
import Synchronization

/// What the driver's monitoring sees of a pool's deployment: which servers answer, and how often the primary changed.
/// Any thread.
package final class TopologyWatch: Sendable {
    /// A primary's term: the member, and the election that made it the primary. A member that is elected again has
    /// another term.
    private struct Term: Equatable {
        let member: String?
        let election: BSONValue?
    }

    private struct State {
        /// Those that answered last, by the driver's numbers.
        var answering: Set<UInt32> = []
        var isReachable = false
        var term: Term?
        var elections = 0
        /// What each host said last, also one that the driver has nothing more to do with because it belongs elsewhere.
        var members: [String: TopologyFault.Member] = [:]
    }

    private let state = Mutex(State())
    private let wanted: TopologyFault.Wanted

    /// - Parameter uri: libmongoc's.
    init(_ uri: OpaquePointer) { wanted = TopologyFault.Wanted(uri) }

    /// At least one server that could serve a request answers the monitoring.
    package var isReachable: Bool { state.withLock { $0.isReachable } }

    /// A server answered the monitoring when it was last asked.
    func answers(_ server: UInt32) -> Bool { state.withLock { $0.answering.contains(server) } }

    /// How often one primary followed another.
    package var elections: Int { state.withLock { $0.elections } }

    /// An error that says that no server can be used, with the reason that those which answer give.
    func explained(_ error: MongoError) -> MongoError {
        guard error.kind == .serverSelection else { return error }
        var error = error
        error.fault = TopologyFault(wanted, members: state.withLock { Array($0.members.values) })
        return error
    }

    /// Listens to a pool's monitoring. Before its first client is taken; the pool must end before this object does.
    func install(in pool: OpaquePointer) {
        let callbacks = mongoc_apm_callbacks_new()
        mongoc_apm_set_topology_changed_cb(callbacks) { event in
            guard let event, let context = mongoc_apm_topology_changed_get_context(event),
                let description = mongoc_apm_topology_changed_get_new_description(event)
            else { return }
            Unmanaged<TopologyWatch>.fromOpaque(context).takeUnretainedValue().look(at: description)
        }
        // A server that belongs elsewhere is in no topology: the driver drops it as soon as it has said what it is.
        mongoc_apm_set_server_changed_cb(callbacks) { event in
            guard let event, let context = mongoc_apm_server_changed_get_context(event),
                let description = mongoc_apm_server_changed_get_new_description(event)
            else { return }
            Unmanaged<TopologyWatch>.fromOpaque(context).takeUnretainedValue().look(at: TopologyFault.Member(description))
        }
        mongoc_client_pool_set_apm_callbacks(pool, callbacks, Unmanaged.passUnretained(self).toOpaque())
        mongoc_apm_callbacks_destroy(callbacks)
    }

    /// On the monitoring's threads, which hold the topology's lock: only the description may be used.
    private func look(at description: OpaquePointer) {
        var count = 0
        let servers = mongoc_topology_description_get_servers(description, &count)
        defer { mongoc_server_descriptions_destroy_all(servers, count) }
        var answering: Set<UInt32> = []
        var isReachable = false
        var term: Term?
        for index in 0..<count {
            guard let server = servers?[index] else { continue }
            let type = String(cString: mongoc_server_description_type(server))
            if type != TopologyFault.Member.unknown { answering.insert(mongoc_server_description_id(server)) }
            if Self.serving.contains(type) { isReachable = true }
            if type == "RSPrimary", let hello = mongoc_server_description_hello_response(server), let reply = BSONDocument(copying: hello) {
                term = Term(member: reply["me"]?.stringValue, election: reply["electionId"])
            }
        }
        saw(answering: answering, isReachable: isReachable, term: term)
    }

    /// The same.
    private func look(at member: TopologyFault.Member) { state.withLock { $0.members[member.host] = member } }

    /// The driver's names of servers that answer requests.
    private static let serving: Set<String> = ["Standalone", "Mongos", "RSPrimary", "RSSecondary", "LoadBalancer"]

    private func saw(answering: Set<UInt32>, isReachable: Bool, term: Term?) {
        state.withLock { state in
            state.answering = answering
            state.isReachable = isReachable
            // Between two primaries there is none for a while.
            guard let term else { return }
            if let last = state.term, last != term { state.elections += 1 }
            state.term = term
        }
    }
}

extension BSONDocument {
    /// A copy of a document of the driver's; nil for one that cannot be read.
    init?(copying document: OpaquePointer) {
        guard let start = bson_get_data(document) else { return nil }
        let length = Int(UInt32(littleEndian: UnsafeRawPointer(start).loadUnaligned(as: UInt32.self)))
        guard let copy = try? BSONDocument(copying: UnsafeRawBufferPointer(start: start, count: length)) else { return nil }
        self = copy
    }
}
