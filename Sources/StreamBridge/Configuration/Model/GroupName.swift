/// What a stream or a dispatcher is called in Kafka: its consumer group, and the beginning of its transactional ids.
///
/// `bridge.<name>.<stream or dispatcher>`. Both names may have dots, so without more a bridge `shop` with a stream
/// `eu.orders` and a bridge `shop.eu` with a stream `orders` would share one group and one transactional id, and fence
/// each other again and again. So a `~` stands for each dot of the second name: no name has a `~`, and what is before
/// the last dot is always the bridge.
enum GroupName {
    static func of(_ part: String, of bridge: String) -> String { "bridge.\(bridge).\(part.replacing(".", with: "~"))" }
}
