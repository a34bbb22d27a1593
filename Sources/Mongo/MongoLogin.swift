import CMongo

/// Who a URI logs in as, as the driver reads it. Has no password.
package struct MongoLogin: Sendable, Equatable {
    /// Nil when the URI has none: nobody logs in, or the mechanism finds the name elsewhere.
    package let user: String?
    /// The database that has the account.
    package let source: String
    /// `SCRAM-SHA-256`, `MONGODB-X509`, …; nil when driver and server choose.
    package let mechanism: String?

    /// The file with the certificate and the private key (`tlsCertificateKeyFile`).
    package let keyFile: String?

    /// The deployment may be a sharded cluster: the URI names no replica set.
    package let mayBeSharded: Bool

    package static let x509 = "MONGODB-X509"

    /// The account has its name and its secret outside of MongoDB.
    package var isExternal: Bool { source == "$external" }

    /// - Throws: ``MongoError`` of kind `client` for a URI that the driver refuses.
    package init(uri text: String) throws(MongoError) {
        let uri = try MongoClientPool.parse(text)
        defer { mongoc_uri_destroy(uri) }
        user = mongoc_uri_get_username(uri).map { String(cString: $0) }
        mechanism = mongoc_uri_get_auth_mechanism(uri).map { String(cString: $0) }
        mayBeSharded = mongoc_uri_get_replica_set(uri) == nil
        keyFile = mongoc_uri_get_option_as_utf8(uri, MONGOC_URI_TLSCERTIFICATEKEYFILE, nil).map { String(cString: $0) }
        source = mongoc_uri_get_auth_source(uri).map { String(cString: $0) } ?? "admin"
    }
}
