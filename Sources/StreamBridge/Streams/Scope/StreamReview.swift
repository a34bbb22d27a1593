import Logging
import Mongo

/// Looks at a stream's configuration beside what the server has.
enum StreamReview {
    /// What there is to say of the collections; ``PipelineReview`` has the rest.
    ///
    /// - Parameter isCompacted: whether a topic is.
    static func remarks(
        on stream: StreamSettings, with found: WatchedCollections, isCompacted: (String) -> Bool
    ) -> [StreamRemark] {
        var remarks = strangers(to: stream.watch, in: found) + warnings(of: stream.watch, found)
        let sharing = TopicSharing(stream)
        let named = stream.watch.namedCollections
        // A list is as the configuration has it, whether its collections are there or not.
        if named.isEmpty {
            remarks += [sharing.remark(on: found.collections, isCompacted: isCompacted)].compactMap(\.self)
        } else if let refusal = sharing.refusal(among: named, isCompacted: isCompacted) {
            remarks.append(.fault(.streamTopicShared, refusal.reason, remedy: refusal.remedy))
        }
        return remarks
    }

    /// Logs warnings.
    ///
    /// - Throws: ``Halt`` for a fault.
    static func tell(_ remarks: [StreamRemark], to logger: Logger) throws(Halt) {
        for remark in remarks {
            if remark.isFault { throw remark.halt }
            logger.warning("\(remark.text)", metadata: ["remedy": "\(remark.remedy)"])
        }
    }

    /// Views and time-series collections have no events.
    static func strangers(to scope: WatchScope, in found: WatchedCollections) -> [StreamRemark] {
        let named = Set(scope.namedCollections)
        return found.entries.compactMap { entry in
            guard named.contains(entry.namespace) else { return nil }
            switch entry.type {
            case "view":
                return .fault(
                    .streamView, "\(entry.namespace) is a view, and views have no change stream",
                    remedy: "Watch the collections that it reads from")
            case "timeseries":
                return .fault(
                    .streamTimeSeries,
                    "\(entry.namespace) is a time-series collection, and those have no change stream",
                    remedy: "Leave it out; or have its writers write into an ordinary collection as well, and watch that one")
            default: return nil
            }
        }
    }

    /// Named collections that are not there.
    static func missing(of scope: WatchScope, in found: WatchedCollections) -> [Namespace] {
        let there = Set(found.entries.map(\.namespace))
        return scope.namedCollections.filter { !there.contains($0) }
    }

    private static func warnings(of scope: WatchScope, _ found: WatchedCollections) -> [StreamRemark] {
        let remedy = "If it is to be made yet, nothing: the stream has its events from the first one on. Otherwise correct `watch`"
        switch scope {
        case .database(let database) where found.entries.isEmpty:
            return [
                .warning(
                    .streamNoDatabase, "there is no database \(database), or none with a collection that the account may read",
                    remedy: remedy)
            ]
        case .database, .cluster: return []
        case .collection, .collections:
            return missing(of: scope, in: found).map { .warning(.streamNoCollection, "there is no collection \($0)", remedy: remedy) }
        }
    }
}
