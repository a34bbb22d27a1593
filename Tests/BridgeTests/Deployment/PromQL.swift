import Foundation

/// What an expression of Prometheus reads. The expression itself is checked by promtool; this finds the names in it.
struct PromQL {
    struct Matcher: Hashable {
        let series: String
        let label: String
        let value: String
    }

    private let text: String

    init(_ text: String) { self.text = text }

    /// The names of the series: every name that is no function, no keyword and no label.
    var series: Set<String> {
        let bare = text.replacing(/\{[^}]*\}/, with: " ").replacing(/\[[^\]]*\]/, with: " ").replacing(/"[^"]*"/, with: " ")
            .replacing(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/, with: " ")
        let names = bare.matches(of: /\b[A-Za-z_:][A-Za-z0-9_:]*\b(?!\s*\()/).map { String($0.0) }
        return Set(names).subtracting(["and", "or", "unless", "bool", "offset"])
    }

    /// `series{label="value"}`, of each label and whatever the operator.
    var matchers: Set<Matcher> {
        var matchers: Set<Matcher> = []
        for selector in text.matches(of: /([A-Za-z_:][A-Za-z0-9_:]*)\{([^}]*)\}/) {
            for matcher in selector.2.matches(of: /([a-z_]+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"/) {
                matchers.insert(Matcher(series: String(selector.1), label: String(matcher.1), value: String(matcher.2)))
            }
        }
        return matchers
    }
}
