import COpenSSL

/// HMAC-SHA-256 with one key, by OpenSSL. Used on one thread.
///
/// Safe: the context belongs to this object alone and is freed with it. OpenSSL keeps no pointer to what it is given:
/// the key and the bytes are read, and the digest is written, during the call (EVP_MAC(3)).
package final class KeyedHash {
    /// Bytes of a digest.
    package static let digestSize = 32

    private let context: OpaquePointer

    /// Whether this OpenSSL can do it. One whose configuration loads no provider cannot.
    package static var isAvailable: Bool { context(key: [UInt8](repeating: 0, count: digestSize)) != nil }

    /// - Precondition: ``isAvailable``.
    package init(key: [UInt8]) {
        guard let context = Self.context(key: key) else { preconditionFailure("OpenSSL has no HMAC-SHA-256") }
        self.context = context
    }

    deinit { EVP_MAC_CTX_free(context) }

    /// Writes the digest of some bytes.
    package func digest(of bytes: UnsafeRawBufferPointer, into digest: UnsafeMutableRawBufferPointer) {
        precondition(digest.count == Self.digestSize)
        var written = 0
        // A context with a key fails only without memory, and then nothing may be published in place of the digest.
        guard EVP_MAC_init(context, nil, 0, nil) == 1,
            EVP_MAC_update(context, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count) == 1,
            EVP_MAC_final(context, digest.bindMemory(to: UInt8.self).baseAddress, &written, digest.count) == 1, written == digest.count
        else { preconditionFailure("OpenSSL gave no HMAC-SHA-256") }
    }

    private static func context(key: [UInt8]) -> OpaquePointer? {
        guard let algorithm = EVP_MAC_fetch(nil, "HMAC", nil) else { return nil }
        // The context has a reference of its own.
        defer { EVP_MAC_free(algorithm) }
        guard let context = EVP_MAC_CTX_new(algorithm) else { return nil }
        var name = Array("SHA256".utf8CString)
        let isReady = name.withUnsafeMutableBufferPointer { name in
            let parameters = [
                OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.baseAddress, 0), OSSL_PARAM_construct_end(),
            ]
            return EVP_MAC_init(context, key, key.count, parameters) == 1
        }
        guard isReady else {
            EVP_MAC_CTX_free(context)
            return nil
        }
        return context
    }
}
