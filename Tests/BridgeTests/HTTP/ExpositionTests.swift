import Foundation
import Testing

@testable import StreamBridge

@Suite struct ExpositionTests {
    @Test func aFamilyHasItsHelpItsTypeAndItsSamples() {
        var exposition = Exposition()
        exposition.add(.streamEvents, [.init(labels: ["fruits", "insert"], 12), .init(labels: ["fruits", "update"], 0)])
        #expect(
            exposition.text == """
                # HELP bridge_stream_events_total Events read
                # TYPE bridge_stream_events_total counter
                bridge_stream_events_total{stream="fruits",operation="insert"} 12
                bridge_stream_events_total{stream="fruits",operation="update"} 0

                """)
    }

    @Test func aFamilyWithoutSamplesIsLeftOut() {
        var exposition = Exposition()
        exposition.add(.streamEvents, [Exposition.Sample]())
        #expect(exposition.text.isEmpty)
    }

    @Test func labelsAreEscaped() {
        var exposition = Exposition()
        exposition.add(.streamLeader, [.init(labels: ["a\"b\\c\nd"], true)])
        #expect(exposition.text.hasSuffix(#"bridge_stream_leader{stream="a\"b\\c\nd"} 1"# + "\n"))
    }

    @Test(
        arguments: [
            (0, "0"), (1, "1"), (-3, "-3"), (0.25, "0.25"), (1_769_817_600.25, "1769817600.25"), (1e20, "1e+20"), (5e-7, "5e-07"),
            (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
        ] as [(Double, String)])
    func numbers(_ value: Double, _ text: String) { #expect(Exposition.number(value) == text) }

    @Test func bucketsOfAHistogramAreCumulative() throws {
        var distribution = Distribution.ofDurations()
        for milliseconds in [1, 2, 2, 30, 70_000] { distribution.record(.milliseconds(milliseconds)) }
        var exposition = Exposition()
        exposition.add(.streamCommits, [(["fruits"], distribution)])
        let lines = exposition.text.split(separator: "\n").dropFirst(2)
        func value(_ bound: String) -> String? {
            lines.first { $0.contains("_bucket{stream=\"fruits\",le=\"\(bound)\"}") }?.split(separator: " ").last.map { String($0) }
        }
        #expect(value("0.001") == "1")
        #expect(value("0.0025") == "3")
        #expect(value("0.025") == "3")
        #expect(value("0.05") == "4")
        #expect(value("60") == "4")
        #expect(value("+Inf") == "5")
        #expect(lines.contains("bridge_stream_commit_seconds_sum{stream=\"fruits\"} 70.035"))
        #expect(lines.last == "bridge_stream_commit_seconds_count{stream=\"fruits\"} 5")
    }

    /// Prometheus' own reader takes what a bridge with everything tells, and its linter has nothing to say.
    @Test(.enabled(if: Promtool.path != nil, "promtool is not installed (Debian: prometheus)"))
    func promtoolAcceptsAllFigures() throws {
        let (status, output) = try Promtool.check(metrics: Exposition(of: .sample()).text)
        #expect(status == 0, "\(output)")
        #expect(output.isEmpty)
    }

    /// The linter would say it.
    @Test(.enabled(if: Promtool.path != nil, "promtool is not installed (Debian: prometheus)"))
    func promtoolRefusesWhatIsWrong() throws {
        #expect(try Promtool.check(metrics: "bridge_ready{a=\"b} 1\n").status != 0)
    }
}
