import Mongo

@testable import StreamBridge

/// A replica set of three servers.
final class ThreeMembers: Sendable {
    let members: [MongodProcess]

    /// Nothing is written that a test has not written: a write concern that cannot be met is then one of the test's own
    /// writes.
    init(oplogMegabytes: Int = 128) throws {
        members = try (0..<3).map { _ in
            try MongodProcess(
                replicaSet: "three",
                arguments: ["--setParameter", "writePeriodicNoops=false", "--oplogSize", "\(oplogMegabytes)"])
        }
        try MongodProcess.initiate(members, name: "three")
    }

    deinit { for member in members { member.stop() } }

    var uri: String { "mongodb://\(members.map(\.host).joined(separator: ","))/?replicaSet=three&heartbeatFrequencyMS=500" }

    /// The member that takes writes now.
    func primary(of scene: Scene) throws -> MongodProcess {
        let host = try scene.command(["hello": 1], on: "admin")["primary"]?.stringValue
        guard let primary = members.first(where: { $0.host == host }) else { throw WaitedInVain(what: "a primary") }
        return primary
    }
}
