import Foundation
import Testing

@testable import StreamBridge

/// deploy/prometheus: the alerts name what the bridge exports, each is tested, and each has its section in
/// docs/OPERATIONS.md.
@Suite struct AlertTests {
    static let folder = "deploy/prometheus"

    private let alerts: [DeploymentTree]
    private let tests: [DeploymentTree]

    init() throws {
        alerts = try DeploymentTree(path: "\(Self.folder)/bridge.rules.yml")["groups"].list.flatMap { $0["rules"].list }
        tests = try DeploymentTree(path: "\(Self.folder)/bridge.rules.test.yml")["tests"].list
    }

    private var names: [String] { alerts.map { $0["alert"].text } }

    @Test func readNothingButDocumentedMetrics() throws {
        let metrics = try DocumentedMetrics()
        #expect(!alerts.isEmpty)
        for alert in alerts { metrics.expect(PromQL(alert["expr"].text), in: alert["alert"].text, besides: ["up"]) }
        for test in tests {
            for series in test["input_series"].list {
                metrics.expect(PromQL(series["series"].text), in: test["name"].text, besides: ["up"])
            }
        }
    }

    @Test func areEachTestedToFireAndToKeepQuiet() {
        for name in names {
            let own = tests.flatMap { $0["promql_expr_test"].list }.filter {
                PromQL($0["expr"].text).matchers.contains(PromQL.Matcher(series: "ALERTS", label: "alertname", value: name))
            }
            #expect(own.contains { !$0["exp_samples"].isEmpty }, "no test makes \(name) fire")
            #expect(own.contains { $0["exp_samples"].isEmpty }, "no test shows when \(name) does not fire")
        }
    }

    @Test func sayWhatToTypeAndWhereToRead() {
        for alert in alerts {
            let name = alert["alert"].text
            #expect(["critical", "warning"].contains(alert["labels"]["severity"].text), "\(name)")
            #expect(!alert["annotations"]["summary"].isEmpty, "\(name)")
            #expect(alert["annotations"]["description"].text.contains(/Type(, in mongosh)?: ./), "\(name) does not say what to type")
            #expect(alert["annotations"]["runbook"].text == "docs/OPERATIONS.md#\(name.lowercased())")
        }
    }

    @Test func haveASectionEachAndNoOtherHasOne() throws {
        let text = try ConfigurationText.file("docs/OPERATIONS.md")
        let chapter = try #require(text.components(separatedBy: "\n## Alerts\n").last).components(separatedBy: "\n## ").first ?? ""
        #expect(chapter.matches(of: /\n### (.*)\n/).map { String($0.1) } == names)
    }

    @Test(
        .enabled(if: Tool.isInstalled("promtool"), "promtool is not installed (Debian's package prometheus has it)"),
        arguments: [
            ["check", "rules", "bridge.rules.yml"], ["test", "rules", "bridge.rules.test.yml"],
            // The file with the token is where Prometheus runs.
            ["check", "config", "--syntax-only", "prometheus.yml"],
        ])
    func passPromtool(arguments: [String]) throws {
        let result = try Tool.run("promtool", arguments, in: ConfigurationText.package.appending(path: Self.folder))
        #expect(result.status == 0, "\(result.output)")
    }
}
