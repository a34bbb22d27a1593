import Logging
import Mongo
import Runtime
import Synchronization

/// What all workers of one dispatcher share.
final class DispatchContext: Sendable {
    /// Threads that carry out commands, each with the partitions whose number leaves its own as the remainder.
    static let workers = 4

    let settings: DispatcherSettings
    let pool: MongoClientPool
    let writeConcern: WriteConcern
    let guardIndex: GuardIndex
    let writer: ShipmentWriter
    let decoder: CommandDecoder
    let sentences: OutcomeSentences
    /// The pool of resources; nil when a conflict is only answered.
    let resources: ResourcePool?
    let free: Mutex<FreeResources>
    let completions = PendingCompletions()
    let status: DispatchStatus
    let stop: StopSignal

    init(
        settings: DispatcherSettings, pool: MongoClientPool, deployment: Deployment, writeConcern: WriteConcern, guardIndex: GuardIndex,
        instance: String,
        status: DispatchStatus, stop: StopSignal
    ) {
        self.settings = settings
        self.pool = pool
        self.writeConcern = writeConcern
        self.guardIndex = guardIndex
        writer = ShipmentWriter(settings, guardIndex: guardIndex, writer: instance)
        decoder = CommandDecoder(settings)
        sentences = OutcomeSentences(label: settings.resource.label)
        resources = settings.resource.pool.map {
            ResourcePool(pool: $0, dispatcher: settings, guardIndex: guardIndex, readsSnapshots: deployment.readsSnapshots)
        }
        free = Mutex(FreeResources(choose: settings.resource.choose))
        self.status = status
        self.stop = stop
    }
}
