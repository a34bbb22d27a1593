/// One thing that is wrong in a configuration: where it stands, what was found, and what to write instead.
///
/// A value that came from `${…}` is never quoted in a fault, and neither is a password: faults end up in logs.
package struct ConfigurationFault: Error, Sendable, Hashable, CustomStringConvertible {
    /// The file, as the user named it.
    package var source: String
    /// Counted from 1; 0 when the fault is about the file as a whole.
    package var line: Int
    /// Counted from 1, in Unicode scalars; 0 when the fault is about the file as a whole.
    package var column: Int
    /// The key, such as `streams[0].format`; empty when the fault is about the file as a whole.
    package var path: String
    /// What was found, such as ``found `xml` ``.
    package var found: String
    /// What is allowed, or how to fix it: one sentence without its full stop.
    package var remedy: String

    /// One line: `bridge.yaml:12:13: streams[0].format: found … ; allowed: …`.
    package var description: String {
        var parts = [line > 0 ? "\(source):\(line):\(column)" : source]
        if !path.isEmpty { parts.append(path) }
        parts.append(remedy.isEmpty ? found : "\(found); \(remedy)")
        return parts.joined(separator: ": ").singleLine
    }
}

/// Every fault of a configuration at once, in the order of the file.
package struct ConfigurationFaults: Error, Sendable, Equatable, CustomStringConvertible {
    /// Never empty; sorted by line, then column.
    package let faults: [ConfigurationFault]

    package init(_ faults: [ConfigurationFault]) {
        var seen = Set<ConfigurationFault>()
        self.faults = faults.filter { seen.insert($0).inserted }
            .sorted { ($0.line, $0.column, $0.path, $0.found) < ($1.line, $1.column, $1.path, $1.found) }
    }

    /// One line for each fault.
    package var description: String { faults.map(\.description).joined(separator: "\n") }
}

/// Something that is allowed but probably not what the user expects.
package struct ConfigurationWarning: Sendable, Hashable, CustomStringConvertible {
    package var source: String
    package var line: Int
    package var column: Int
    package var path: String
    package var message: String

    package var description: String { "\(source):\(line):\(column): \(path): \(message)".singleLine }
}
