/// Why no server could be reached, when it was TLS: what the driver says of the handshake, told apart.
package enum CertificateFault: Sendable, CaseIterable {
    /// No authority that the bridge knows has signed the server's certificate.
    case untrusted
    /// The certificate does not have the host name that the server was reached by.
    case otherHost
    /// The server's certificate has expired, or its time has not come.
    case outOfTime
    /// The bridge's own files cannot be used.
    case unusableFiles

    /// Nil for an error that is something else.
    ///
    /// OpenSSL's numbers are those of `X509_V_ERR_…` (openssl-verification-options(1)); libmongoc puts them into its
    /// sentence.
    package init?(_ error: MongoError) {
        switch error.kind {
        case .serverSelection, .network: break
        default: return nil
        }
        if error.message.contains("Failed initialize TLS state") {
            self = .unusableFiles
            return
        }
        guard let number = error.message.firstMatch(of: #/certificate verify failed \((\d+)\)/#).flatMap({ Int($0.output.1) }) else {
            return nil
        }
        switch number {
        case 2, 18, 19, 20, 21, 24, 26, 27: self = .untrusted
        case 62, 64: self = .otherHost
        case 9, 10: self = .outOfTime
        default: return nil
        }
    }

    package var sentence: String {
        switch self {
        case .untrusted: "the server's certificate is not signed by an authority that the bridge knows"
        case .otherHost: "the server's certificate is for another host name than the one that it was reached by"
        case .outOfTime: "the server's certificate has expired, or is not valid yet"
        case .unusableFiles: "the file of tlsCAFile or of tlsCertificateKeyFile cannot be used"
        }
    }

    package var remedy: String {
        switch self {
        case .untrusted: "Name the file with the authority's certificate in mongodb.uri: tlsCAFile=PATH"
        case .otherHost:
            "Use a name in mongodb.uri, and in the members of rs.conf(), that the certificate has (subjectAltName), or have one issued for this name"
        case .outOfTime: "Renew it at the server; and compare the clocks of both hosts"
        case .unusableFiles:
            "See that both are there, can be read by the bridge's user, and are PEM; the second one has a certificate and its key"
        }
    }

    /// What fixes it is on the bridge's side.
    package var isOfConfiguration: Bool { self != .outOfTime }
}
