/// A record's headers for people and programs: in their order, each as often as it is there.
package struct ReadableHeaders: Sendable, Encodable {
    package let all: [(name: String, value: String?)]

    init(_ headers: [(name: String, value: [UInt8]?)]) { all = headers.map { ($0.name, $0.value?.readable) } }

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(_ name: String) { stringValue = name }
        init?(stringValue: String) { self.init(stringValue) }
        init?(intValue: Int) { nil }
    }

    /// An object: a name's value, or the list of its values where the name is there more than once.
    package func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Key.self)
        // Two spellings of one letter are one name here, because they are one key to the encoder.
        for (name, headers) in Dictionary(grouping: all, by: \.name) {
            let values = headers.map(\.value)
            if values.count == 1 { try object.encode(values[0], forKey: Key(name)) } else { try object.encode(values, forKey: Key(name)) }
        }
    }
}
