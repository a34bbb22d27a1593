import Mongo

/// What a `partialFilterExpression` says about the documents of a dispatcher.
///
/// It is read as far as it proves something. What is not understood may take any document.
struct IndexFilter {
    private let expression: BSONDocument

    init(_ expression: BSONDocument) { self.expression = expression }

    private typealias Condition = (operator: String, operand: BSONValue)

    /// Whether every document that it takes is active, also one that another program wrote.
    var takesActiveOnly: Bool {
        fields.contains { key, value in
            switch key {
            case "$and": Self.parts(value).contains { $0.takesActiveOnly }
            case "$or": !Self.parts(value).isEmpty && Self.parts(value).allSatisfy { $0.takesActiveOnly }
            case "status": Self.conditions(value).contains { $0.operator == "$eq" && $0.operand == "active" }
            default: false
            }
        }
    }

    /// Whether it may take a document that has only some of `names`, and this status.
    func mayTake(documentsWith names: Set<String>, status: String) -> Bool {
        fields.allSatisfy { key, value in
            switch key {
            case "$and": return Self.parts(value).allSatisfy { $0.mayTake(documentsWith: names, status: status) }
            case "$or": return Self.parts(value).contains { $0.mayTake(documentsWith: names, status: status) }
            case "status": return Self.conditions(value).allSatisfy { Self.mayTake(status, $0) }
            default:
                let name = key.prefix { $0 != "." }
                return names.contains(String(name)) || Self.conditions(value).allSatisfy { Self.takesMissing($0) }
            }
        }
    }

    private var fields: [(key: String, value: BSONValue)] { (try? expression.fields()) ?? [("$unknown", .null)] }

    private static func parts(_ value: BSONValue) -> [IndexFilter] {
        (value.arrayValue ?? []).compactMap(\.documentValue).map { IndexFilter($0) }
    }

    /// A value stands for being equal to it.
    private static func conditions(_ value: BSONValue) -> [Condition] {
        guard let document = value.documentValue, document.keys.first?.hasPrefix("$") == true else { return [("$eq", value)] }
        return ((try? document.fields()) ?? []).map { ($0.key, $0.value) }
    }

    private static func mayTake(_ status: String, _ condition: Condition) -> Bool {
        switch condition.operator {
        case "$eq": condition.operand == .string(status)
        case "$in": (condition.operand.arrayValue ?? []).contains(.string(status))
        default: true
        }
    }

    /// Whether a document without the field can fulfil it: a missing field counts as null.
    private static func takesMissing(_ condition: Condition) -> Bool {
        switch condition.operator {
        case "$eq", "$gte", "$lte": [.null, .minKey, .maxKey].contains(condition.operand)
        case "$gt", "$lt": [.minKey, .maxKey].contains(condition.operand)
        case "$in": (condition.operand.arrayValue ?? []).contains(.null)
        case "$exists": !condition.operand.isTruthy
        case "$type": false
        default: true
        }
    }
}
