import Mongo

/// What the server's refusal of one document means.
enum DocumentRefusal {
    /// A document with this `_id` is there: this command was done before.
    case doneBefore
    /// The resource has an active document.
    case busy
    /// The document as such can never be written: a dead letter.
    case never(code: String, message: String)
    /// Passes: the identical document again.
    case retry(MongoError)
    /// An index on the resource refused it that nobody has judged yet.
    case unknownIndex
    case halt(Halt)

    init(_ refusal: WriteReply.Refusal, guardedBy index: GuardIndex, dispatcher: DispatcherSettings) {
        guard refusal.code == .duplicateKey else {
            let error = MongoError(
                kind: .server(code: refusal.code), operation: "insert into \(dispatcher.collection)", message: refusal.message)
            if case .deadLetter = MongoFailures.table[refusal.code, .document] {
                self = .never(code: "\(refusal.code)", message: "\(dispatcher.collection) refuses the document: \(refusal.message)")
                return
            }
            switch DispatchFailure(mongoDB: error, dispatcher: dispatcher) {
            case .retry, .restart: self = .retry(error)
            case .halt(let halt): self = .halt(halt)
            }
            return
        }
        switch index.match(refusal) {
        case .identity: self = .doneBefore
        case .resource: self = .busy
        case .unknown: self = .unknownIndex
        case .other(let name):
            self = .never(
                code: "\(refusal.code)", message: "the unique index \(name) of \(dispatcher.collection) refuses the document")
        }
    }
}
