import Mongo

/// Why a server could not be reached, in the words of the best source: the certificate, the members that answer, or the
/// driver.
struct ConnectionFailure {
    let reason: String
    /// Nil when nothing is known beyond that no answer came.
    let remedy: String?
    /// What fixes it is on the bridge's side.
    let isOfConfiguration: Bool

    init(_ error: any Error) {
        guard let mongo = error as? MongoError else {
            (reason, remedy, isOfConfiguration) = ("\(error)", nil, false)
            return
        }
        if let certificate = CertificateFault(mongo) {
            (reason, remedy) = ("\(certificate.sentence): \(mongo)", certificate.remedy)
            isOfConfiguration = certificate.isOfConfiguration
        } else {
            (reason, remedy) = ("\(mongo)", mongo.fault?.remedy)
            isOfConfiguration = mongo.fault?.isOfConfiguration ?? false
        }
    }
}

extension Unreachable {
    /// MongoDB could not be reached.
    init(mongoDB error: any Error) {
        let failure = ConnectionFailure(error)
        self.init(server: "MongoDB", reason: failure.reason, remedy: failure.remedy)
    }
}
