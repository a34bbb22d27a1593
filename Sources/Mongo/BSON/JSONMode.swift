/// How BSON is written as JSON.
package enum JSONMode: Sendable, Hashable, CaseIterable {
    /// MongoDB Extended JSON v2, relaxed: numbers and dates are readable, the width of a number is lost.
    case relaxed

    /// MongoDB Extended JSON v2, canonical: nothing is lost.
    case canonical

    /// Plain JSON for readers that know nothing of MongoDB; see the table at ``ExtendedJSON``.
    case simple
}
