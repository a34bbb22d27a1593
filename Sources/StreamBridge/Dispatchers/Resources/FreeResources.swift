import HeapModule
import Mongo

/// Which resources of a pool seem to be free: a hint of where to try next, never a reason to believe.
///
/// Every operation costs the same however many resources there are (`lowest`: a logarithm of it). What is known of a
/// resource has a cluster time, and nothing older replaces it: the change stream tells what the dispatcher did itself a
/// moment later, when it may have done more.
struct FreeResources {
    private struct Entry {
        /// In `free`; -1 while it is not free.
        var place: Int32
        /// The cluster time of what is known.
        var asOf: BSONTimestamp
    }

    /// Members of the pool.
    private var entries: [Resource: Entry] = [:]
    private var free: [Resource] = []
    private let choose: ResourceSettings.Choice
    /// For `lowest`: the free ones and, among them, some that are not free any more.
    private var heap = Heap<Resource>()

    /// Whether what others do to the resources is told here.
    private(set) var isFollowed = false

    init(choose: ResourceSettings.Choice) { self.choose = choose }

    /// Nobody tells any more what others do: nothing is known.
    mutating func clear() { self = FreeResources(choose: choose) }

    var count: Int { free.count }

    /// How many resources the pool has, as far as is known.
    var poolCount: Int { entries.count }

    /// Whether a resource is of the pool, as far as is known.
    func isMember(_ resource: Resource) -> Bool { entries[resource] != nil }

    /// Whether a resource is of the pool and seems to be busy.
    func seemsBusy(_ resource: Resource) -> Bool { entries[resource].map { $0.place < 0 } ?? false }

    /// Begins anew with everything that the server has.
    mutating func fill(pool: [Resource], busy: Set<Resource>, asOf time: BSONTimestamp) {
        isFollowed = true
        entries.removeAll(keepingCapacity: true)
        free.removeAll(keepingCapacity: true)
        heap = Heap()
        entries.reserveCapacity(pool.count)
        for resource in pool {
            entries[resource] = Entry(place: -1, asOf: time)
            if !busy.contains(resource) { insert(resource) }
        }
    }

    /// A member of the pool is free.
    mutating func release(_ resource: Resource, asOf time: BSONTimestamp) {
        guard let entry = entries[resource], entry.asOf <= time else { return }
        entries[resource]?.asOf = time
        if entry.place < 0 { insert(resource) }
    }

    /// A resource is busy.
    mutating func occupy(_ resource: Resource, asOf time: BSONTimestamp) {
        guard let entry = entries[resource], entry.asOf <= time else { return }
        entries[resource]?.asOf = time
        if entry.place >= 0 { remove(resource, at: Int(entry.place)) }
    }

    /// The server says that a member of the pool is free; if it has been taken since, that was later.
    mutating func discover(_ resource: Resource) {
        guard let entry = entries[resource] else { return add(resource, asOf: BSONTimestamp(seconds: 0, increment: 0)) }
        if entry.place < 0 { insert(resource) }
    }

    /// The pool has a new member. Whether it is free shows when it is tried.
    mutating func add(_ resource: Resource, asOf time: BSONTimestamp) {
        guard entries[resource] == nil else { return }
        entries[resource] = Entry(place: -1, asOf: time)
        insert(resource)
    }

    /// The pool has lost a member.
    mutating func withdraw(_ resource: Resource) {
        guard let entry = entries.removeValue(forKey: resource), entry.place >= 0 else { return }
        removeFromFree(at: Int(entry.place))
    }

    /// A resource to try; nobody else gets it until it is released or given back.
    mutating func take() -> Resource? {
        switch choose {
        case .random:
            guard !free.isEmpty else { return nil }
            let index = Int.random(in: 0..<free.count)
            let resource = free[index]
            remove(resource, at: index)
            return resource
        case .lowest:
            while let resource = heap.popMin() {
                guard let place = entries[resource]?.place, place >= 0 else { continue }
                remove(resource, at: Int(place))
                return resource
            }
            return nil
        }
    }

    /// A resource that was taken and not used.
    mutating func giveBack(_ resource: Resource) {
        if entries[resource] != nil { discover(resource) }
    }

    private mutating func insert(_ resource: Resource) {
        entries[resource]?.place = Int32(clamping: free.count)
        free.append(resource)
        guard choose == .lowest else { return }
        heap.insert(resource)
        // A resource that comes and goes without being taken leaves a copy behind each time.
        if heap.count > 2 * free.count + 64 { heap = Heap(free) }
    }

    private mutating func remove(_ resource: Resource, at place: Int) {
        entries[resource]?.place = -1
        removeFromFree(at: place)
    }

    /// The last one takes the empty place.
    private mutating func removeFromFree(at place: Int) {
        let last = free.removeLast()
        guard place < free.count else { return }
        free[place] = last
        entries[last]?.place = Int32(clamping: place)
    }
}
