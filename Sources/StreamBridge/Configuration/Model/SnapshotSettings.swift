/// The copy of the documents that are there before the first event.
package struct SnapshotSettings: Sendable, Equatable {
    package enum When: String, Sendable, CaseIterable {
        case never
        /// A stream without a stored position begins with one.
        case initial
    }

    package var when = When.never
    /// Only documents that match: by collection, as Extended JSON.
    package var filters: [Namespace: String] = [:]
    /// Ranges of a collection that are read at the same time.
    package var cursors = 1

    package init(when: When = .never, filters: [Namespace: String] = [:], cursors: Int = 1) {
        self.when = when
        self.filters = filters
        self.cursors = cursors
    }
}
