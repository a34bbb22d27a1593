/// What one reading of a configuration gathers: every fault and every warning, with the file that they are in.
///
/// A class, because all the sections of one file add to the same lists; it never leaves the loader's call.
final class ConfigurationReading {
    let source: String
    let checks: ConfigurationChecks
    private(set) var faults: [ConfigurationFault] = []
    private(set) var warnings: [ConfigurationWarning] = []

    init(source: String, checks: ConfigurationChecks) {
        self.source = source
        self.checks = checks
    }

    func report(_ mark: ConfigurationMark, _ path: ConfigurationPath, _ found: String, _ remedy: String) {
        faults.append(
            ConfigurationFault(source: source, line: mark.line, column: mark.column, path: path.description, found: found, remedy: remedy))
    }

    /// Whether something at or below a key was reported.
    func hasFault(at path: ConfigurationPath) -> Bool { faults.contains { $0.path.hasPrefix(path.description) } }

    func warn(_ mark: ConfigurationMark, _ path: ConfigurationPath, _ message: String) {
        let warning = ConfigurationWarning(
            source: source, line: mark.line, column: mark.column, path: path.description, message: message)
        if !warnings.contains(warning) { warnings.append(warning) }
    }

    /// Warns of a file with a secret that others may read.
    func warn(ofSecretIn file: String, _ mark: ConfigurationMark, _ path: ConfigurationPath) {
        if let exposure = checks.secretFile(file) { warn(mark, path, exposure) }
    }
}
