/// In which order the commands of a batch are carried out.
///
/// Commands that have nothing to do with each other are carried out together, because one bulk costs little more than one document. Those
/// that have are in different waves, one after another, in the order in which they stand:
///
/// - the same id, and a completion and the command that it ends;
/// - a completion, and a command for the resource that it frees.
///
/// Commands for one resource need no waves: the server tries the documents of a bulk in their order. Pure.
struct DispatchPlan {
    /// Indices of the commands, in their order, wave by wave.
    private(set) var waves: [[Int]] = []

    private var waveOfID: [String: Int] = [:]
    private var waveOfDispatch: [Resource: Int] = [:]
    private var waveOfCompletion: [Resource: Int] = [:]
    /// What commands of this batch ask for.
    private var requested: [String: Resource] = [:]

    /// - Parameter held: what the targets of completions hold, as far as is known. Only the order rests on it.
    init(_ commands: some Sequence<Command>, held: [String: Resource]) {
        for (index, command) in commands.enumerated() {
            let wave: Int
            switch command.order {
            case .dispatch(let resource, _):
                wave = max(after(waveOfID[command.id]), after(waveOfCompletion[resource]), waveOfDispatch[resource] ?? 0)
                waveOfDispatch[resource] = wave
                requested[command.id] = requested[command.id] ?? resource
            case .complete(let target):
                let resource = requested[target] ?? held[target]
                wave = max(
                    after(waveOfID[command.id]), after(waveOfID[target]), after(resource.flatMap { waveOfDispatch[$0] }),
                    resource.flatMap { waveOfCompletion[$0] } ?? 0)
                if let resource { waveOfCompletion[resource] = wave }
                waveOfID[target] = wave
            }
            waveOfID[command.id] = wave
            while waves.count <= wave { waves.append([]) }
            waves[wave].append(index)
        }
    }

    private func after(_ wave: Int?) -> Int { wave.map { $0 + 1 } ?? 0 }
}
