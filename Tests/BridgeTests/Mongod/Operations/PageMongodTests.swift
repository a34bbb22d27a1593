import Foundation
import Mongo
import Testing

@testable import Kafka
@testable import StreamBridge

/// The page at `/`, as a browser shows it.
@Suite(.enabled(if: Browser.isThere, Browser.absence)) struct PageMongodTests {
    /// A bridge that serves its page, and a browser that has opened it.
    private final class Visit {
        let bridge: RunningBridge
        let browser: Browser
        let origin: String

        init(_ bridge: RunningBridge, width: Int = 1280) throws {
            self.bridge = bridge
            origin = "http://127.0.0.1:\(try bridge.port())"
            browser = try Browser(width: width)
            try browser.open("\(origin)/")
        }

        /// An expression for the card of a stream or a dispatcher.
        static func card(_ name: String) -> String {
            "[...document.querySelectorAll('main article')].find((card) => card.querySelector('h3 button[aria-expanded]')?.textContent === '\(name)')"
        }

        /// Blocks until a card's visible text fits all of the patterns.
        func wait(forCard name: String, _ patterns: String...) throws {
            let tests = patterns.map { "/\($0)/.test(\(Self.card(name))?.innerText ?? '')" }.joined(separator: " && ")
            try browser.wait(for: tests, "\(patterns) on the card of \(name)")
        }

        /// Ends the bridge, and checks that the page kept to itself.
        func end(sourceLocation: SourceLocation = #_sourceLocation) throws {
            try bridge.stop()
            #expect(Set(browser.requests) == ["\(origin)/", "\(origin)/status"], sourceLocation: sourceLocation)
            #expect(browser.complaints.isEmpty, sourceLocation: sourceLocation)
        }
    }

    private static func serve(_ configuration: inout BridgeConfiguration, token: String? = nil) {
        configuration.http = HTTPSettings(listen: "127.0.0.1:0", token: token)
    }

    @Test func whatAStreamDidIsShown() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1], ["_id": 2], ["_id": 3]])
            try scene.update(1, ["$set": ["n": 1]])
            let visit = try Visit(scene.bridge([scene.stream()]) { Self.serve(&$0) })
            try visit.wait(
                forCard: "fruits", #"\n(streaming|idle)\n"#, #"insert\s+3\s+\d+ B"#, #"update\s+1\s+\d+ B"#, #"Records\s+4"#,
                #"Cluster time\s+\d+\.\d+"#, #"Token\s+82[0-9A-F]+\s+Copy\s+token"#, #"Lag\s+\d"#)
            let browser = visit.browser
            #expect(try browser.evaluate("document.querySelector('h1').innerText") == scene.name)
            #expect(try browser.evaluate("document.querySelector('header').innerText").contains("replica set shared"))
            #expect(try browser.evaluate("document.querySelector('#dispatchers').innerText").contains("No dispatchers configured."))
            #expect(try browser.evaluate("document.querySelector('#troubles').hidden") == "true")

            // What comes later is shown without a reload.
            try scene.delete(2)
            try visit.wait(forCard: "fruits", #"delete\s+1\s+\d+ B"#, #"Records\s+5"#)
            let charts = "[...document.querySelectorAll('svg')]"
            #expect(try browser.evaluate("\(charts).length") == "4")
            #expect(try browser.evaluate("\(charts).every((chart) => /last .*: now .*highest/.test(chart.ariaLabel))") == "true")
            try visit.end()
        }
    }

    /// What is drawn of samples at these milliseconds, at the moment `now`, is within its box.
    @Test(
        arguments: [
            (samples: "[100000]", now: 100_000), ("[100000, 102000]", 102_000), ("[100000, 120000]", 120_000), ("[100000, 102000]", 98000),
        ])
    func aChartStaysInItsBox(_ drawing: (samples: String, now: Int)) async throws {
        try await Scene.play { scene in
            let visit = try Visit(scene.bridge([scene.stream()]) { Self.serve(&$0) })
            try visit.wait(forCard: "fruits", #"Lag\s"#)
            let boxes = try visit.browser.evaluate(
                """
                (() => {
                  const history = new History();
                  const line = new Line(history, "drawn");
                  document.body.append(line.element);
                  for (const at of \(drawing.samples)) history.add(at, 5);
                  line.draw(\(drawing.now), String);
                  const boxes = [...line.element.querySelectorAll("path")].map((path) => path.getBBox());
                  line.element.remove();
                  return boxes.every(({ x, width }) => x >= 0 && x + width <= Line.width) ? "within" : JSON.stringify(boxes.map(({ x, width }) => [x, width]));
                })()
                """)
            #expect(boxes == "within")
            try visit.end()
        }
    }

    /// (the snapshot in `/status`, whether there is a bar, the value, the text)
    @Test(
        arguments: [
            (
                #"{"state":"running","snapshot":"a","documents":500,"estimated":2000,"rate":250,"etaSeconds":6,"reason":null,"collections":[{"ns":"a.b","state":"running"}]}"#,
                true, "25", "500 documents of about 2,000"
            ),
            // More documents than the metadata knew: it is not done before it is.
            (
                #"{"state":"running","snapshot":"a","documents":2100,"estimated":2000,"rate":0,"etaSeconds":null,"reason":"the stream is behind","collections":[]}"#,
                true, "99", "2,100 documents of about 2,100"
            ),
            (
                #"{"state":"running","snapshot":"a","documents":0,"estimated":0,"rate":0,"etaSeconds":null,"reason":null,"collections":[]}"#,
                true, "null", "0 documents"
            ),
            (
                #"{"state":"done","snapshot":"a","documents":5,"estimated":5,"rate":null,"etaSeconds":null,"reason":null,"collections":[]}"#,
                false, "", ""
            ),
            ("null", false, "", ""),
        ])
    func aRunningSnapshotHasABar(_ snapshot: String, _ isShown: Bool, _ value: String, _ text: String) async throws {
        try await Scene.play { scene in
            let visit = try Visit(scene.bridge([scene.stream()]) { Self.serve(&$0) })
            try visit.wait(forCard: "fruits", #"Lag\s"#)
            let shown = try visit.browser.evaluate(
                """
                (() => {
                  const progress = new Progress();
                  document.body.append(progress.element);
                  progress.set("fruits", \(snapshot));
                  const bar = progress.element.querySelector("[role=progressbar]");
                  const read = (name) => bar.getAttribute(name);
                  const said = progress.element.hidden ? "hidden"
                    : [read("aria-valuenow"), read("aria-valuetext"), read("aria-label"), read("aria-valuemin"), read("aria-valuemax")].join("|");
                  progress.element.remove();
                  return said;
                })()
                """)
            let expected = value == "null" ? "" : value
            #expect(shown == (isShown ? "\(expected)|\(text)|Snapshot of fruits|0|100" : "hidden"))
            try visit.end()
        }
    }

    @Test func aLimitThatIsNotKnownIsLeftOut() async throws {
        try await Scene.play { scene in
            let topic = "missing.\(scene.name)"
            scene.kafka.hide(topic: topic)
            let stream = scene.stream { $0.topic = TextTemplate(segments: [.literal(topic)]) }
            let visit = try Visit(
                scene.bridge([stream, scene.stream("good")]) {
                    Self.serve(&$0)
                    $0.topics.create = false
                })
            try scene.insert([["_id": 1]])
            // What is halted has nothing in its hands.
            try visit.wait(forCard: "fruits", #"\nhalted\n"#, #"Their size\s+0 B\s*\n"#)
            try visit.wait(forCard: "good", #"Their size\s+\d+ B of \d+"#)
            try visit.end()
        }
    }

    @Test func aHaltIsShownFirstWithItsMendAndItsCommand() async throws {
        try await Scene.play { scene in
            let topic = "missing.\(scene.name)"
            scene.kafka.hide(topic: topic)
            let stream = scene.stream("bad") { $0.topic = TextTemplate(segments: [.literal(topic)]) }
            let visit = try Visit(
                scene.bridge([scene.stream(), stream]) {
                    Self.serve(&$0)
                    $0.topics.create = false
                }, width: 400)
            try scene.insert([["_id": 1]])
            let browser = visit.browser
            try browser.wait(for: "/\\nhalted\\n/.test(document.querySelector('#content').innerText)", "a halt")
            let trouble = try browser.evaluate("document.querySelector('#content article').innerText")
            #expect(trouble.contains("bad"))
            #expect(trouble.contains("topic \(topic) does not exist, and topics.create is false"))
            #expect(trouble.contains("Create it (kafka-topics --create --topic \(topic)), or set topics.create: true"))
            #expect(
                try browser.evaluate("document.querySelector('#content article .copied code').innerText")
                    == "kafka-topics --create --topic \(topic)")
            #expect(try browser.evaluate("document.querySelector('#ready').innerText") == "not ready")
            #expect(try browser.evaluate("document.title").contains("1 halted"))
            try visit.wait(forCard: "fruits", #"insert\s+1\s"#)
            #expect(try browser.evaluate("document.documentElement.scrollWidth <= 400") == "true")
            try visit.end()
        }
    }

    @Test func whatTheServerSaysIsNeverMarkup() async throws {
        try await Scene.play { scene in
            let stage = "$<img src=x onerror=y()>"
            let visit = try Visit(
                scene.bridge([scene.stream(), scene.stream("bad") { $0.pipeline = "[{\"\(stage)\":{}}]" }]) { Self.serve(&$0) })
            let browser = visit.browser
            try browser.wait(for: "document.querySelector('#troubles').innerText.includes('\(stage)')", "the reason")
            #expect(try browser.evaluate("document.querySelectorAll('img').length") == "0")
            try visit.end()
        }
    }

    @Test func whatADispatcherAnsweredIsShown() async throws {
        try await Scene.play { scene in
            let dispatching = try Dispatching(scene, trucks: Dispatching.trucks(1...4))
            let visit = try Visit(scene.bridge(dispatching) { Self.serve(&$0) })
            _ = try dispatching.answers(to: [CommandText.dispatch("c-1", 4), CommandText.complete("r-1", "c-1")])
            try visit.wait(
                forCard: "shipments", #"dispatched\s+1\s"#, #"completed\s+1\s"#, #"c-1\s+4\s+4\s+Truck #4 has been sent out\."#,
                #"r-1\s.*Truck #4 is free again\."#, #"Free resources\s+4"#)
            try visit.end()
        }
    }

    @Test func thePageAsksForTheToken() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]])
            let visit = try Visit(scene.bridge([scene.stream()]) { Self.serve(&$0, token: "correct-horse") })
            let browser = visit.browser
            func give(_ token: String) throws {
                try browser.evaluate("(document.querySelector('#token').value = '\(token)', document.forms[0].requestSubmit())")
            }
            try browser.wait(for: "document.activeElement.labels?.[0].innerText === 'Token'", "the field of the token")
            try give("wrong")
            try browser.wait(for: "document.querySelector('[role=alert]').innerText.includes('refuses this token')", "the refusal")
            #expect(try browser.evaluate("document.querySelectorAll('main article').length") == "0")
            try give("correct-horse")
            try visit.wait(forCard: "fruits", #"insert\s+1\s"#)

            // The tab keeps it.
            try browser.open("\(visit.origin)/")
            try visit.wait(forCard: "fruits", #"insert\s+1\s"#)
            #expect(try browser.evaluate("document.querySelector('#sign-in').hidden") == "true")
            try visit.end()
        }
    }

    @Test func aLostConnectionIsToldAndFoundAgain() async throws {
        try await Scene.play { scene in
            try scene.insert([["_id": 1]])
            let visit = try Visit(scene.bridge([scene.stream()]) { Self.serve(&$0) })
            let browser = visit.browser
            try visit.wait(forCard: "fruits", #"insert\s+1\s"#)
            try browser.setOnline(false)
            try browser.wait(for: #"/is lost .*What is shown is \d+ s old/.test(document.querySelector('#lost').innerText)"#, "the loss")
            #expect(try browser.evaluate("document.querySelector('#ready').innerText") == "no connection")
            #expect(try browser.evaluate("\(Visit.card("fruits")).innerText").contains("insert"))

            try scene.insert([["_id": 2]])
            try browser.setOnline(true)
            try visit.wait(forCard: "fruits", #"insert\s+2\s"#)
            try browser.wait(for: "document.querySelector('#lost').hidden", "the end of the loss")
            try visit.end()
        }
    }
}
