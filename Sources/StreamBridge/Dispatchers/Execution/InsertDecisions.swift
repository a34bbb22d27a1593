import Mongo

/// What a reply means for each document.
struct InsertDecisions {
    var done: [InsertAttempt] = []
    var busy: [InsertAttempt] = []
    var doneBefore: [InsertAttempt] = []
    var never: [(attempt: InsertAttempt, code: String, message: String)] = []
    var again: [InsertAttempt] = []
    var error: MongoError?
    /// A resource that the server had called free, and its refusal.
    var contradiction: (resource: Resource, refusal: WriteReply.Refusal)?

    mutating func sort(_ attempts: [InsertAttempt], by reply: WriteReply, context: DispatchContext) throws {
        var refusals = reply.refusals.sorted { $0.index < $1.index }[...]
        done.reserveCapacity(attempts.count - refusals.count)
        for (index, attempt) in attempts.enumerated() {
            guard let refusal = refusals.first, refusal.index == index else {
                done.append(attempt)
                continue
            }
            refusals.removeFirst()
            switch DocumentRefusal(refusal, guardedBy: context.guardIndex, dispatcher: context.settings) {
            case .busy where attempt.isActive:
                busy.append(attempt)
                if attempt.isCalledFree, let resource = attempt.outcome.assigned { contradiction = (resource, refusal) }
            case .busy: throw context.guardIndex.halt(refusing: refusal, dispatcher: context.settings)
            case .doneBefore: doneBefore.append(attempt)
            case .never(let code, let message): never.append((attempt, code, message))
            case .retry(let error):
                again.append(attempt)
                self.error = error
            case .unknownIndex: throw GuardIndex.Changed(dispatcher: context.settings)
            case .halt(let halt): throw halt
            }
        }
        guard refusals.isEmpty else {
            throw MongoError(
                kind: .malformedReply, operation: "insert into \(context.settings.collection)",
                message: "it refuses documents that were not sent")
        }
    }
}
