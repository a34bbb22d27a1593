import Foundation
import Testing

@testable import StreamBridge

/// deploy/grafana: the dashboard shows what the bridge exports, all of it and nothing else.
@Suite struct DashboardTests {
    private let dashboard: DeploymentTree

    init() throws { dashboard = try DeploymentTree(path: "deploy/grafana/dashboard.json") }

    /// Queries of panels and annotations, and those that fill the variables.
    private var queries: [String] {
        let variables = dashboard["templating"]["list"].list.compactMap {
            $0["definition"].text.firstMatch(of: /^label_values\((.*), [a-z]+\)$/).map { String($0.1) }
        }
        return dashboard.all("expr").map(\.text).map { $0.replacingOccurrences(of: "$__rate_interval", with: "5m") } + variables
    }

    @Test func everyQueryReadsDocumentedMetrics() throws {
        let metrics = try DocumentedMetrics()
        #expect(!dashboard.all("expr").isEmpty)
        for query in queries { metrics.expect(PromQL(query), in: query) }
    }

    @Test func everyDocumentedMetricIsShown() throws {
        let metrics = try DocumentedMetrics()
        let shown = queries.reduce(into: Set()) { $0.formUnion(PromQL($1).series.compactMap { metrics.metric(of: $0) }) }
        #expect(metrics.names.subtracting(shown).isEmpty)
    }

    @Test func everyPanelHasAUnitADescriptionAndADatasource() throws {
        let provisioned = try DeploymentTree(path: "deploy/grafana/provisioning/datasources/prometheus.yaml")["datasources"].list
        let uid = provisioned.first?["uid"].text
        let panels = dashboard["panels"].list
        #expect(panels.filter { $0["type"].text == "row" }.map { $0["title"].text } == ["Overview", "Streams", "Dispatchers", "Process"])
        #expect(Set(panels.map { $0["id"].text }).count == panels.count)
        for panel in panels where panel["type"].text != "row" {
            let title = panel["title"].text
            #expect(!panel["description"].isEmpty, "\(title)")
            #expect(!panel["fieldConfig"]["defaults"]["unit"].isEmpty, "\(title)")
            #expect(panel["datasource"]["uid"].text == uid, "\(title)")
        }
    }

    /// As recording rules, because promtool checks files of rules.
    @Test(.enabled(if: Tool.isInstalled("promtool"), "promtool is not installed (Debian's package prometheus has it)"))
    func everyQueryIsOneOfPrometheus() throws {
        let rules = queries.enumerated().map { ["record": "query:\($0.offset)", "expr": $0.element] }
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UniqueName.make("dashboard")).json")
        let json = try JSONSerialization.data(
            withJSONObject: ["groups": [["name": "dashboard", "rules": rules]]], options: .withoutEscapingSlashes)
        try json.write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let result = try Tool.run("promtool", ["check", "rules", file.path])
        #expect(result.status == 0, "\(result.output)")
    }
}
