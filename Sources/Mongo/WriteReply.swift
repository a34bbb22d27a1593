/// What the server said about each document of a write command.
package struct WriteReply: Sendable {
    /// One document that was not written.
    package struct Refusal: Sendable, Equatable {
        /// Which document of the command.
        package let index: Int
        package let code: MongoError.Code
        /// The server's sentence; quotes the document.
        package let message: String
        /// For a duplicate key, the fields of the index that refused it; nil from servers before 4.4, which name it in
        /// their sentence only.
        package let keyPattern: [String]?

        package init(index: Int, code: MongoError.Code, message: String, keyPattern: [String]?) {
            self.index = index
            self.code = code
            self.message = message
            self.keyPattern = keyPattern
        }
    }

    /// In the order of the documents. Every other document was written.
    package private(set) var refusals: [Refusal] = []
    /// Why it is unknown whether the writes will last: the server has carried them out, but not as the write concern
    /// wants it.
    package private(set) var writeConcernError: MongoError?
    /// What the server had done by then: a read after this cluster time sees whatever refused a document.
    package private(set) var operationTime: BSONTimestamp?

    /// - Throws: ``MongoError`` of kind `malformedReply`.
    init(_ reply: BSONReply, operation: String) throws(MongoError) {
        do {
            try reply.withUnsafeBytes { bytes throws(BSONError) in try read(bytes.bytes, operation: operation) }
        } catch {
            throw MongoError(kind: .malformedReply, operation: operation, message: "\(error)")
        }
    }

    private mutating func read(_ bytes: RawSpan, operation: String) throws(BSONError) {
        var fields = try BSONCursor(document: bytes)
        while let field = try fields.next(in: bytes) {
            if field.keyEquals("writeErrors", in: bytes), field.type == .array {
                var errors = try BSONCursor(document: bytes, at: field.value.lowerBound)
                while let error = try errors.next(in: bytes) {
                    guard error.type == .document else { continue }
                    refusals.append(try Refusal(bytes, at: error.value.lowerBound))
                }
            } else if field.keyEquals("writeConcernError", in: bytes), field.type == .document {
                let error = try Refusal(bytes, at: field.value.lowerBound)
                writeConcernError = MongoError(kind: .server(code: error.code), operation: operation, message: error.message)
            } else if field.keyEquals("operationTime", in: bytes) {
                operationTime = field.timestamp(in: bytes)
            }
        }
    }
}

extension WriteReply.Refusal {
    fileprivate init(_ bytes: RawSpan, at offset: Int) throws(BSONError) {
        var index = 0
        var code = MongoError.Code(nil)
        var message = ""
        var keyPattern: [String]?
        var fields = try BSONCursor(document: bytes, at: offset)
        while let field = try fields.next(in: bytes) {
            if field.keyEquals("index", in: bytes) {
                index = field.integer(in: bytes).flatMap { Int(exactly: $0) } ?? 0
            } else if field.keyEquals("code", in: bytes) {
                code = MongoError.Code(field.integer(in: bytes))
            } else if field.keyEquals("errmsg", in: bytes) {
                message = field.string(in: bytes) ?? ""
            } else if field.keyEquals("keyPattern", in: bytes), let pattern = field.document {
                var names: [String] = []
                var keys = try BSONCursor(document: bytes, at: pattern.lowerBound)
                while let key = try keys.next(in: bytes) { names.append(key.keyText(in: bytes)) }
                keyPattern = names
            }
        }
        self.init(index: index, code: code, message: message, keyPattern: keyPattern)
    }
}
