/// A document on its way into the collection.
struct InsertAttempt {
    /// Index of the command in its batch.
    let item: Int
    let body: Range<Int>
    /// What the command is answered when the document is in.
    var outcome: Outcome
    /// The document holds `outcome.assigned`; otherwise it only remembers a rejection.
    var isActive: Bool
    /// The resource came from the hint and goes back when it is not used.
    var isTaken = false
    /// The server called the resource free.
    var isCalledFree = false
}
