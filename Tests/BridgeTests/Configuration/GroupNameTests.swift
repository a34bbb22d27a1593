import Testing

@testable import Kafka
@testable import StreamBridge

@Suite struct GroupNameTests {
    @Test func aNameWithoutDotsIsWhatItAlwaysWas() {
        #expect(GroupName.of("inventory", of: "lessons") == "bridge.lessons.inventory")
        #expect(ProducerProperties.Transactional.stream("inventory", of: "lessons").id == "bridge.lessons.inventory")
    }

    /// Every way to cut a name with dots in two, as streams, dispatchers and replays.
    @Test func noTwoMeet() {
        let words = ["a", "b", "replay", "a"]
        var owners: [String: String] = [:]
        for first in 0..<words.count - 1 {
            for last in first + 2...words.count {
                let text = words[first..<last]
                for cut in text.indices.dropFirst() {
                    let bridge = text[..<cut].joined(separator: ".")
                    let part = text[cut...].joined(separator: ".")
                    let ids = [
                        "stream": ProducerProperties.Transactional.stream(part, of: bridge).id,
                        "replay": ProducerProperties.Transactional.replay(part, of: bridge).id,
                        "dispatcher": ProducerProperties.Transactional.dispatcher(part, of: bridge, instance: "a.b/1/2x").id,
                        "group": "group \(GroupName.of(part, of: bridge))",
                    ]
                    for (kind, id) in ids {
                        let owner = "\(kind) \(part) of \(bridge)"
                        #expect(owners.updateValue(owner, forKey: id) ?? owner == owner, "\(id)")
                    }
                }
            }
        }
        #expect(owners.count > 20)
    }

    /// A rule of Kafka's for what begins with the bridge's name covers all of them.
    @Test func allBeginWithTheBridgesName() {
        #expect(GroupName.of("eu.orders", of: "shop").hasPrefix("bridge.shop."))
        #expect(
            ProducerProperties.Transactional.replay("r.1", of: "shop").id.hasPrefix(
                ProducerProperties.Transactional.replayPrefix(of: "shop")))
    }
}
