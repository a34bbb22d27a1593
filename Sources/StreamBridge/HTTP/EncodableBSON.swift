import Mongo

/// A value that the bridge made for JSON, for an encoder: texts, numbers, truths, nulls, lists and documents of these.
struct EncodableBSON: Encodable, Sendable {
    private let value: BSONValue

    init(_ value: BSONValue) { self.value = value }

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    func encode(to encoder: any Encoder) throws {
        switch value {
        case .document(let document):
            var object = encoder.container(keyedBy: Key.self)
            for key in document.keys { try object.encode(EncodableBSON(document[key] ?? .null), forKey: Key(stringValue: key)) }
        case .array(let values): try values.map(EncodableBSON.init).encode(to: encoder)
        default:
            var single = encoder.singleValueContainer()
            if let whole = value.int64Value {
                try single.encode(whole)
            } else if let number = value.doubleValue {
                try single.encode(number)
            } else if let text = value.stringValue {
                try single.encode(text)
            } else if let truth = value.booleanValue {
                try single.encode(truth)
            } else {
                try single.encodeNil()
            }
        }
    }
}
