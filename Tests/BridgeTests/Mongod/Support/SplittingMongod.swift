import Foundation
import Mongo
import Testing

@testable import StreamBridge

/// The mongod that splits large events (6.0.9, 7.0 and later): `MONGOD_SPLIT`, which `make test` sets to the one that
/// it fetched.
enum SplittingMongod {
    static let binary = ProcessInfo.processInfo.environment["MONGOD_SPLIT"].flatMap { $0.isEmpty ? nil : URL(filePath: $0) }
    static var isThere: Bool { binary != nil }

    /// Why tests are skipped without it.
    static let absence: Comment = "no mongod that splits large events; MONGOD_SPLIT=/path/to/mongod is one"

    /// The replica set that these tests share.
    private static let server = Result {
        let server = try MongodProcess(replicaSet: "splitting", arguments: FailPoint.arguments, binary: binary)
        try server.initiate()
        return server
    }

    /// Runs `body` on a scene at the shared server.
    static func play(_ body: @escaping @Sendable (Scene) throws -> Void) async throws {
        try await blocking(isSerial: true) { try body(Scene(uri: server.get().uri)) }
    }
}
