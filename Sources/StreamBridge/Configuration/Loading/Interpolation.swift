/// Replaces `${NAME}` by an environment variable and `${file:PATH}` by a file's content.
///
/// It works on the scalars of the parsed YAML, so a value can never add keys or change the file's structure.
/// What it brings in is not interpolated again. `$${` stands for the characters `${`.
struct Interpolation {
    var environment: [String: String]
    var readFile: (String) throws -> String

    /// The text with every `${…}` replaced, and whether there was one.
    ///
    /// - Parameters:
    ///   - complain: called for each one that cannot be replaced.
    ///   - usesFile: called with the path of each file, as it is written.
    func replaced(
        _ text: String, complain: (ConfigurationComplaint) -> Void, usesFile: (String) -> Void = { _ in }
    ) -> (text: String, isInterpolated: Bool) {
        guard text.contains("${") else { return (text, false) }
        var output = ""
        var isInterpolated = false
        var rest = Substring(text)
        while !rest.isEmpty {
            if rest.hasPrefix("$${") {
                output += "${"
                rest = rest.dropFirst(3)
            } else if rest.hasPrefix("${") {
                isInterpolated = true
                guard let end = rest.firstIndex(of: "}") else {
                    complain(
                        .init("close it with `}`, or write `$${` for the characters themselves", found: "found `${` that is never closed"))
                    return (output, true)
                }
                let name = String(rest[rest.index(rest.startIndex, offsetBy: 2)..<end])
                do throws(ConfigurationComplaint) {
                    output += try value(of: name)
                    if name.hasPrefix(Self.filePrefix) { usesFile(String(name.dropFirst(Self.filePrefix.count))) }
                } catch {
                    complain(error)
                }
                rest = rest[rest.index(after: end)...]
            } else {
                output.append(rest.removeFirst())
            }
        }
        return (output, isInterpolated)
    }

    private static let filePrefix = "file:"

    private func value(of name: String) throws(ConfigurationComplaint) -> String {
        if name.hasPrefix(Self.filePrefix) {
            return try content(ofFile: String(name.dropFirst(Self.filePrefix.count)))
        }
        guard Self.isVariableName(name) else {
            throw ConfigurationComplaint(
                "write `${NAME}` for an environment variable, `${file:PATH}` for a file's content, `$${` for the characters themselves",
                found: "found a `${…}` in which there is no variable's name")
        }
        guard let value = environment[name] else {
            throw ConfigurationComplaint(
                "set it in the environment of the bridge, or write `$${\(name)}` for the characters themselves",
                found: "the environment variable \(name) is not set")
        }
        return value
    }

    private func content(ofFile path: String) throws(ConfigurationComplaint) -> String {
        guard !path.isEmpty else {
            throw ConfigurationComplaint("write `${file:PATH}`", found: "found `${file:}` without a path")
        }
        let content: String
        do {
            content = try readFile(path)
        } catch {
            throw ConfigurationComplaint(
                "name a readable text file; a relative path starts at the folder of the configuration file",
                found: "cannot read the file \(path.quoted): \(error)")
        }
        // "\r\n" is one Character, so this strips either line ending.
        return content.last?.isNewline == true ? String(content.dropLast()) : content
    }

    private static func isVariableName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
        return name.utf8.allSatisfy { $0.isASCIILetterOrDigit || $0 == UInt8(ascii: "_") }
    }
}
