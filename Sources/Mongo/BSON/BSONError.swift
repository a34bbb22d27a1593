/// Bytes that are not the BSON they claim to be.
///
/// The description says what is wrong and at which byte; it never repeats what the document contains, so it can be
/// logged and put into a record's headers.
package struct BSONError: Error, Sendable, Hashable {
    /// What is wrong.
    package enum Kind: Sendable, Hashable {
        /// The bytes end before the value does.
        case truncated
        /// A length field is negative, too small for what it measures, or reaches beyond the document around it.
        case invalidLength
        /// No BSON type has this type byte.
        case unknownType(UInt8)
        /// A key, string or document does not end with a zero byte where it must.
        case missingTerminator
        /// A document has ended before the place that its length announces.
        case trailingBytes
        /// Text that is not UTF-8 (surrogates and overlong forms included).
        case invalidUTF8
        /// A boolean that is neither 0 nor 1.
        case invalidBoolean(UInt8)
        /// More levels of documents in documents than ``ExtendedJSON/maximumDepth``.
        case nestedTooDeep
    }

    package let kind: Kind

    /// Where, in bytes from the start of the bytes that were read.
    package let offset: Int

    package init(_ kind: Kind, at offset: Int) {
        self.kind = kind
        self.offset = offset
    }
}

extension BSONError: CustomStringConvertible {
    package var description: String {
        let problem =
            switch kind {
            case .truncated: "the bytes end too early"
            case .invalidLength: "a length does not fit the bytes around it"
            case .unknownType(let byte): "there is no BSON type \(byte)"
            case .missingTerminator: "a terminating zero byte is missing"
            case .trailingBytes: "bytes follow the end of the document"
            case .invalidUTF8: "text is not valid UTF-8"
            case .invalidBoolean(let byte): "a boolean has the value \(byte)"
            case .nestedTooDeep: "documents are nested more than \(ExtendedJSON.maximumDepth) levels deep"
            }
        return "Malformed BSON at byte \(offset): \(problem)."
    }
}
