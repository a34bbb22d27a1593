import Mongo

/// What is kept of a record for a comparison: hashes of 64 bits, different in every process, instead of its bytes.
struct RecordFingerprint {
    let token: String
    let operation: String
    let isTombstone: Bool
    /// Of what a record is known by: the token, and whether it is the tombstone, because a delete may have two records.
    let identity: Int
    let key: Int
    /// Of the bytes of key and value.
    let content: Int

    init(token: String, operation: String, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?) {
        self.token = token
        self.operation = operation
        isTombstone = value == nil
        var identity = Hasher()
        // Its type bits identify nothing, and records of earlier versions have none.
        identity.combine(ResumeToken.data(ofText: token))
        identity.combine(isTombstone)
        self.identity = identity.finalize()
        self.key = Self.hash(key)
        var content = Hasher()
        content.combine(self.key)
        content.combine(Self.hash(value))
        self.content = content.finalize()
    }

    /// No bytes and no value are different.
    private static func hash(_ bytes: UnsafeRawBufferPointer?) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes?.count)
        if let bytes { hasher.combine(bytes: bytes) }
        return hasher.finalize()
    }
}
