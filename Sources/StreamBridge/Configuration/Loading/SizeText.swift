/// Sizes in bytes as users write them: `16MiB`, `64KiB`, `10MB`, or a plain number of bytes.
enum SizeText {
    private static let units: [(name: String, bytes: Int)] = [
        ("", 1), ("B", 1), ("KB", 1000), ("KiB", 1 << 10), ("MB", 1_000_000), ("MiB", 1 << 20), ("GB", 1_000_000_000), ("GiB", 1 << 30),
    ]

    private static let remedy = "write a whole number of bytes, or one with a unit, such as 64KiB, 16MiB, 1GiB or 10MB"

    /// Reads one number with its unit, if it has one.
    static func parse(_ text: String) throws(ConfigurationComplaint) -> Int {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count)
        guard !digits.isEmpty else { throw ConfigurationComplaint(remedy) }
        guard let factor = units.first(where: { $0.name == unit })?.bytes else {
            guard let meant = units.first(where: { $0.name.lowercased() == unit.lowercased() }) else {
                throw ConfigurationComplaint(remedy)
            }
            throw ConfigurationComplaint("write \(digits)\(meant.name)")
        }
        guard let number = Int(digits), !number.multipliedReportingOverflow(by: factor).overflow else {
            throw ConfigurationComplaint("this is more bytes than fit 64 bits")
        }
        return number * factor
    }

    /// Writes a size with the largest binary unit that is exact.
    static func format(_ bytes: Int) -> String {
        for (name, factor) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] where bytes != 0 && bytes % factor == 0 {
            return "\(bytes / factor)\(name)"
        }
        return "\(bytes)"
    }
}
