import Mongo

/// A value of the guarded field: a truck's number or name.
///
/// Equal where the server's index takes values for equal: a whole number is the same number whichever numeric type holds it.
struct Resource: Sendable {
    /// A whole number is an int32 where it fits, else an int64.
    let value: BSONValue

    init(_ value: BSONValue) { self.value = value.int64Value.map { BSONValue($0) } ?? value }

    init(_ number: Int64) { value = BSONValue(number) }

    init(_ text: String) { value = .string(text) }
}

extension Resource: Hashable {
    static func == (one: Resource, other: Resource) -> Bool {
        if case .string(let one) = one.value, case .string(let other) = other.value { return ExactText(one) == ExactText(other) }
        return one.value == other.value
    }

    func hash(into hasher: inout Hasher) {
        if case .string(let text) = value { hasher.combine(ExactText(text)) } else { hasher.combine(value) }
    }
}

extension Resource: Comparable {
    /// The server's order, as far as identifiers need it: numbers, then texts by their bytes, then everything else.
    static func < (one: Resource, other: Resource) -> Bool {
        switch (one.value, other.value) {
        case (.string(let one), .string(let other)): one.utf8.lexicographicallyPrecedes(other.utf8)
        case (let one, let other):
            if let one = one.doubleValue, let other = other.doubleValue {
                one < other
            } else if one.order != other.order {
                one.order < other.order
            } else {
                one.shown.utf8.lexicographicallyPrecedes(other.shown.utf8)
            }
        }
    }
}

extension Resource: CustomStringConvertible {
    /// As the outcome's message names it: `4`, `north-7`.
    var description: String { value.shown }
}

extension BSONValue {
    fileprivate var order: Int { doubleValue != nil ? 0 : stringValue != nil ? 1 : 2 }

    /// A text as it is, anything else as JSON.
    fileprivate var shown: String {
        switch self {
        case .string(let text): text
        case .int32(let number): "\(number)"
        case .int64(let number): "\(number)"
        case .objectID(let id): "\(id)"
        default: ((try? BSONDocument(fields: [("", self)]).extendedJSON(.simple)).map { String($0.dropFirst(4).dropLast()) }) ?? "?"
        }
    }
}
