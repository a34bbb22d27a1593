/// Figures in Prometheus' text format, version 0.0.4.
///
/// Source: prometheus.io, "Exposition formats". A family of metrics is one block: help, type, then its samples.
struct Exposition {
    struct Sample {
        /// In the order of the metric's labels.
        let labels: [String]
        let value: Double

        init(labels: [String] = [], _ value: Double) {
            self.labels = labels
            self.value = value
        }

        init(labels: [String] = [], _ value: Int) { self.init(labels: labels, Double(value)) }

        init(labels: [String] = [], _ value: Bool) { self.init(labels: labels, value ? 1 : 0) }
    }

    private(set) var text = ""

    /// - Parameter samples: nothing is written without any.
    mutating func add(_ metric: Metric, _ samples: [Sample]) {
        guard !samples.isEmpty else { return }
        begin(metric)
        for sample in samples { write(metric.name, zip(metric.labels, sample.labels).map { ($0, $1) }, sample.value) }
    }

    /// - Parameter distributions: each with its labels, in the order of the metric's.
    mutating func add(_ metric: Metric, _ distributions: [(labels: [String], distribution: Distribution)]) {
        guard !distributions.isEmpty else { return }
        begin(metric)
        for (values, distribution) in distributions {
            let labels = zip(metric.labels, values).map { ($0, $1) }
            for (bound, count) in zip(distribution.bounds, distribution.cumulativeCounts) {
                write("\(metric.name)_bucket", labels + [("le", Self.number(bound))], Double(count))
            }
            write("\(metric.name)_bucket", labels + [("le", "+Inf")], Double(distribution.count))
            write("\(metric.name)_sum", labels, distribution.sum)
            write("\(metric.name)_count", labels, Double(distribution.count))
        }
    }

    private mutating func begin(_ metric: Metric) {
        text += "# HELP \(metric.name) \(Self.escaped(help: metric.help))\n# TYPE \(metric.name) \(metric.kind.rawValue)\n"
    }

    private mutating func write(_ name: String, _ labels: [(String, String)], _ value: Double) {
        text += name
        if !labels.isEmpty {
            text += "{" + labels.map { "\($0)=\"\(Self.escaped(label: $1))\"" }.joined(separator: ",") + "}"
        }
        text += " \(Self.number(value))\n"
    }

    /// A whole number without a fraction; everything else as Go's `ParseFloat` reads it.
    static func number(_ value: Double) -> String {
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if value.isNaN { return "NaN" }
        return Int64(exactly: value).map { "\($0)" } ?? "\(value)"
    }

    private static func escaped(help text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
    }

    static func escaped(label text: String) -> String { escaped(help: text).replacing("\"", with: "\\\"") }
}
