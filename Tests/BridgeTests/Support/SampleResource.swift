@testable import StreamBridge

extension Resource {
    static func number(_ number: Int64) -> Resource { Resource(number) }
    static func text(_ text: String) -> Resource { Resource(text) }
}
