/// What to watch, how, and from where.
package struct ChangeStreamOptions: Sendable, Equatable {
    package enum Scope: Sendable, Equatable {
        case collection(database: String, collection: String)
        case database(String)
        case cluster
    }

    package enum Start: Sendable, Equatable {
        /// From this moment on.
        case now
        /// After the event of this resume token (`startAfter`: unlike `resumeAfter` it also accepts the token of an
        /// invalidate).
        case after(ResumeToken)
        /// At the first event of this cluster time or later.
        case at(seconds: UInt32, increment: UInt32)
    }

    package var scope: Scope
    /// Stages after `$changeStream`.
    package var pipeline: [BSONDocument]
    /// The server's `fullDocument`; nil leaves it out.
    package var fullDocument: String?
    /// The server's `fullDocumentBeforeChange`; nil leaves it out.
    package var fullDocumentBeforeChange: String?
    package var showExpandedEvents: Bool
    /// The server splits events that are larger than 16 MB (`$changeStreamSplitLargeEvent`) instead of failing on them.
    package var splitsLargeEvents = false
    /// Errors do not quote documents (``MongoError/withoutValues``).
    package var hidesValues = false
    /// How long an idle getMore waits at the server. Bounds how long a stop takes.
    package var maxAwait: Duration

    package init(
        scope: Scope, pipeline: [BSONDocument] = [], fullDocument: String? = nil, fullDocumentBeforeChange: String? = nil,
        showExpandedEvents: Bool = false, maxAwait: Duration = .milliseconds(500)
    ) {
        self.scope = scope
        self.pipeline = pipeline
        self.fullDocument = fullDocument
        self.fullDocumentBeforeChange = fullDocumentBeforeChange
        self.showExpandedEvents = showExpandedEvents
        self.maxAwait = maxAwait
    }
}
