/// How BSON is written as JSON.
package enum JSONMode: Sendable, Hashable, CaseIterable {
    /// MongoDB Extended JSON v2, relaxed: numbers and dates are readable, the width of a number is lost.
    case relaxed

    /// MongoDB Extended JSON v2, canonical: nothing is lost.
    case canonical

    /// As `canonical`, and the same bytes for all values that MongoDB takes for equal: of numbers the one form that
    /// ``CanonicalNumber`` says, a symbol as a string. For keys of records.
    case key

    /// Plain JSON for readers that know nothing of MongoDB; see the table at ``ExtendedJSON``.
    case simple
}

extension JSONMode {
    /// Whether a number says its type.
    var namesNumbers: Bool { self == .canonical || self == .key }
}
