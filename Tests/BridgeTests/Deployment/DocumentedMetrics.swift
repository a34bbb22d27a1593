import Foundation
import Testing

@testable import StreamBridge

/// The metrics that docs/HTTP.md promises.
struct DocumentedMetrics {
    private struct Metric {
        let isHistogram: Bool
        let labels: Set<String>
    }

    private let metrics: [String: Metric]
    private let states: Set<String>

    init() throws {
        let document = try ConfigurationText.file("docs/HTTP.md")
        let chapter = try #require(document.components(separatedBy: "\n## /metrics\n").last)
        var metrics: [String: Metric] = [:]
        for line in chapter.split(separator: "\n") where line.hasPrefix("| `") {
            let cells = line.split(separator: "|").map { $0.trimmingPrefix(" ") }
            guard let name = cells.first?.split(separator: "`").first, cells.count > 2 else { continue }
            // Behind a colon come values.
            let labels = cells[2].split(separator: ",").flatMap { $0.split(separator: ":").first.map { [$0] } ?? [] }
            metrics[String(name)] = Metric(
                isHistogram: cells[1].hasPrefix("histogram"), labels: Set(labels.map { $0.filter { $0.isLetter || $0 == "_" } }))
        }
        self.metrics = metrics
        let sentence = try #require(document.firstMatch(of: /`state` is one of ([^;]*);/))
        states = Set(sentence.1.matches(of: /`([a-z]+)`/).map { String($0.1) })
    }

    var names: Set<String> { Set(metrics.keys) }

    /// The metric that a series belongs to; a histogram's series have an ending.
    func metric(of series: String) -> String? {
        if let metric = metrics[series] { return metric.isHistogram ? nil : series }
        for ending in ["_bucket", "_sum", "_count"] where series.hasSuffix(ending) {
            let name = String(series.dropLast(ending.count))
            if metrics[name]?.isHistogram == true { return name }
        }
        return nil
    }

    /// Fails for each series and label of the expression that no bridge has.
    func expect(_ expression: PromQL, in place: String, besides others: Set<String> = []) {
        for series in expression.series.subtracting(others) {
            #expect(metric(of: series) != nil, "\(place) reads \(series), which docs/HTTP.md does not have")
        }
        for matcher in expression.matchers where !others.contains(matcher.series) {
            #expect(labels(of: matcher.series).contains(matcher.label), "\(place): \(matcher.series) has no label \(matcher.label)")
            if matcher.label == "state" { #expect(states.contains(matcher.value), "\(place): no state is called \(matcher.value)") }
            if matcher.label == "status" {
                #expect(Outcome.Status(rawValue: matcher.value) != nil, "\(place): no outcome is called \(matcher.value)")
            }
        }
    }

    private func labels(of series: String) -> Set<String> {
        // Those that Prometheus adds, and those that docs/HTTP.md gives to all of a kind.
        var labels: Set = ["job", "instance", "bridge"]
        if series.hasPrefix("bridge_stream_") { labels.insert("stream") }
        if series.hasPrefix("bridge_dispatcher_") { labels.insert("dispatcher") }
        return labels.union(metric(of: series).flatMap { metrics[$0]?.labels } ?? [])
    }
}
