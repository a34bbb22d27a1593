import Foundation

/// Names that no earlier run has used, for a broker that outlives the run.
enum UniqueName {
    static func make(_ purpose: String) -> String { "test.\(purpose).\(UUID().uuidString.prefix(8).lowercased())" }
}
