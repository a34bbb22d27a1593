/// A text that equals only the same bytes, as in MongoDB and Kafka. Swift takes two texts for equal that people read
/// alike: an é in one piece and one of e and accent.
package struct ByteEqualString: Hashable, Sendable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package static func == (one: ByteEqualString, other: ByteEqualString) -> Bool { one.text.utf8.elementsEqual(other.text.utf8) }

    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
