/// The version of this program.
package enum BridgeVersion {
    package static let current = "0.1.0"
}
