/// What a verification found: totals that are exact, and the first findings of each kind.
package struct VerifyReport: Sendable, Encodable {
    /// One event or record that is not as it should be, with what is needed to look at it (`bridge tail`).
    package struct Finding: Sendable, Encodable {
        package enum Kind: String, Sendable, Encodable, CaseIterable {
            /// The change stream has the event, the topic has no record of it.
            case missing
            /// A record of an event that had its record before.
            case repeated
            /// A record behind one of a later event, in the same partition.
            case reordered
            /// A record of this stream whose token the change stream does not have.
            case unexpected
            /// A record whose key or value is not what the bridge publishes for this event.
            case different
            /// The newest record of a key has a document, and the collection has none.
            case notDeleted
        }

        package let kind: Kind
        package let topic: String
        /// Nil, like the offset, for what is missing.
        package var partition: Int32?
        package var offset: Int64?
        /// Nil where a document was compared, which no event stands for.
        package var token: String?
        package var clusterTime: String?
        package let key: String?
        /// What there is to say besides.
        package var detail: String?
    }

    package let stream: String
    package internal(set) var from: String
    package var to: String
    package let isolation: String
    /// Whether repeats are within what the stream promises.
    package let allowsRepeats: Bool
    /// The newest record of each key was compared with the collections' documents, and not the topics with the change
    /// stream.
    package var isOfDocuments = false
    package var topics: [String] = []
    /// Records that the change stream says there must be; one for an event, two for a delete with a tombstone of its
    /// own. Or documents.
    package var expected = 0
    /// Records of these events that the topics have.
    package var found = 0
    /// Of those, whose bytes were compared.
    package var compared = 0
    package var missing = 0
    /// With the bytes of the first record of the event, and with others.
    package var repeatedIdentical = 0
    package var repeatedDifferent = 0
    package var reordered = 0
    package var unexpected = 0
    package var different = 0
    package var notDeleted = 0
    /// Neither there nor missing: compaction may have taken them, or the pipeline chose them by a document that has
    /// changed since.
    package var undecided = 0
    package var notes: [String] = []
    package var findings: [Finding] = []
    /// A stop came before the end.
    package var isStopped = false

    package var repeated: Int { repeatedIdentical + repeatedDifferent }

    package var isClean: Bool {
        missing == 0 && reordered == 0 && unexpected == 0 && different == 0 && notDeleted == 0 && (allowsRepeats || repeated == 0)
    }

    private enum CodingKeys: CodingKey {
        case stream, from, to, isolation, documents, topics, expected, found, compared, missing, repeated, repeatedDifferent, reordered,
            unexpected,
            different, notDeleted, undecided, clean, notes, findings
    }

    package func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: CodingKeys.self)
        try object.encode(stream, forKey: .stream)
        try object.encode(from, forKey: .from)
        try object.encode(to, forKey: .to)
        try object.encode(isolation, forKey: .isolation)
        try object.encode(isOfDocuments, forKey: .documents)
        try object.encode(topics, forKey: .topics)
        try object.encode(expected, forKey: .expected)
        try object.encode(found, forKey: .found)
        try object.encode(compared, forKey: .compared)
        try object.encode(missing, forKey: .missing)
        try object.encode(repeated, forKey: .repeated)
        try object.encode(repeatedDifferent, forKey: .repeatedDifferent)
        try object.encode(reordered, forKey: .reordered)
        try object.encode(unexpected, forKey: .unexpected)
        try object.encode(different, forKey: .different)
        try object.encode(notDeleted, forKey: .notDeleted)
        try object.encode(undecided, forKey: .undecided)
        try object.encode(isClean, forKey: .clean)
        try object.encode(notes, forKey: .notes)
        try object.encode(findings, forKey: .findings)
    }
}
