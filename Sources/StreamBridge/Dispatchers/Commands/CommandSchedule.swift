import Runtime

/// In which order the commands of a batch are carried out.
///
/// Commands that have nothing to do with each other are carried out together, because one bulk costs little more than
/// one document. Those that have take their turns, in the order in which they stand:
///
/// - the same id, and a completion and the command that it ends: the later one waits until the earlier one is answered;
/// - a completion, and a command for the resource that it frees: the later one is begun in a later round.
///
/// Commands for one resource need no rounds: the server tries the documents of a bulk in their order. And a command for
/// which nothing is free may wait for the completions before it (``mayWait(_:)``). Pure.
struct CommandSchedule {
    /// What can be carried out now.
    struct Round: Equatable {
        var completions: [Int] = []
        var dispatches: [Int] = []
    }

    /// By command: the first round that it can be part of.
    private var rounds: [Int] = []
    /// By command: those that have to be answered before it.
    private var predecessors: [[Int]] = []
    private var isCompletion: [Bool] = []
    /// Completions that are not answered, in their order.
    private var completions: [Int] = []
    /// Not begun yet, in their order.
    private var waiting: [Int] = []
    private var round = -1
    /// The first completion that is not answered.
    private var firstOpenCompletion: Int?

    /// - Parameter held: what the targets of completions hold, as far as is known. Only the order rests on it.
    init(_ commands: some Sequence<Command>, held: [ByteEqualString: Resource]) {
        var lastOfID: [ByteEqualString: Int] = [:]
        var roundOfDispatch: [Resource: Int] = [:]
        var roundOfCompletion: [Resource: Int] = [:]
        var requested: [ByteEqualString: Resource] = [:]
        func after(_ round: Int?) -> Int { round.map { $0 + 1 } ?? 0 }
        for (index, command) in commands.enumerated() {
            let id = ByteEqualString(command.id)
            let earlier = lastOfID[id]
            switch command.order {
            case .dispatch(let resource, _):
                predecessors.append([earlier].compactMap(\.self))
                // Not before what it has to wait for: the later ones for the same resource begin no earlier.
                rounds.append(
                    max(after(roundOfCompletion[resource]), roundOfDispatch[resource] ?? 0, after(earlier.map { rounds[$0] })))
                roundOfDispatch[resource] = rounds[index]
                requested[id] = requested[id] ?? resource
            case .complete(let text):
                let target = ByteEqualString(text)
                predecessors.append([earlier, lastOfID[target]].compactMap(\.self))
                let resource = requested[target] ?? held[target]
                let waitsFor = predecessors[index].map { rounds[$0] }.max()
                rounds.append(
                    max(after(resource.flatMap { roundOfDispatch[$0] }), resource.flatMap { roundOfCompletion[$0] } ?? 0, after(waitsFor)))
                if let resource { roundOfCompletion[resource] = rounds[index] }
                lastOfID[target] = index
                completions.append(index)
            }
            isCompletion.append(completions.last == index)
            lastOfID[id] = index
        }
        waiting = Array(rounds.indices)
        firstOpenCompletion = completions.first
    }

    /// Completions that are not answered.
    var openCompletions: Int { completions.count }

    /// Nothing is left to begin.
    var isEmpty: Bool { waiting.isEmpty }

    /// Begins the next round.
    mutating func next(isDone: (Int) -> Bool) -> Round {
        round += 1
        var begun = Round()
        waiting.removeAll { index in
            guard rounds[index] <= round, predecessors[index].allSatisfy(isDone) else { return false }
            if isCompletion[index] { begun.completions.append(index) } else { begun.dispatches.append(index) }
            return true
        }
        return begun
    }

    /// After the completions of a round were carried out.
    mutating func settleCompletions(isDone: (Int) -> Bool) {
        completions.removeAll(where: isDone)
        firstOpenCompletion = completions.first
    }

    /// Whether a completion that stands before a command is still to come: what it frees may be what the command needs.
    ///
    /// No two wait for each other: of the completions that are still to come, the first one waits for a command that
    /// stands before it, and before that there is none to wait for.
    func mayWait(_ index: Int) -> Bool { firstOpenCompletion.map { $0 < index } ?? false }
}
