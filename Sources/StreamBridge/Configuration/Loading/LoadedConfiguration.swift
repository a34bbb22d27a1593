/// What a file gives when nothing in it is wrong.
package struct LoadedConfiguration: Sendable, Equatable {
    package var configuration: BridgeConfiguration
    /// In the order of the file.
    package var warnings: [ConfigurationWarning]
}
