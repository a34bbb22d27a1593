import Foundation
import NIOCore

/// Why nothing can listen at an address.
struct ListenFailure: Error, CustomStringConvertible {
    let address: String
    let cause: any Error

    /// Another program listens there, or another bridge.
    var isInUse: Bool { (cause as? IOError)?.errnoCode == EADDRINUSE }

    var description: String { "http.listen: nothing can listen on \(address): \(reason)" }

    private var reason: String {
        switch (cause as? IOError)?.errnoCode {
        case EADDRINUSE: "the address is in use"
        case EADDRNOTAVAIL: "this machine has no such address"
        case EACCES: "ports below 1024 need a right that this process has not"
        default: cause is SocketAddressError ? "the host name is not known" : "\(cause)"
        }
    }

    var remedy: String {
        isInUse
            ? "Stop what listens there (ss -ltnp shows it; it may be another bridge), or choose another port for http.listen"
            : "Correct http.listen: an address of this machine, or 127.0.0.1, and a port from 1024 on"
    }
}
