/// What stands for a value that is not shown.
package enum FieldMask: Sendable, Hashable {
    /// HMAC-SHA-256 of the value, in lower-case hexadecimal digits.
    case hash
    /// ``hidden`` and the last characters of a text that has more; ``hidden`` for every other value.
    case keep(Int)
    /// ``hidden``.
    case redact

    /// It says nothing of the value, not even how long it is.
    package static var hidden: StaticString { "***" }
}
