/// How a record is written.
package enum RecordFormat: Sendable, Equatable {
    case relaxed, canonical, simple, bson
    case template(TextTemplate)
    case debezium(DebeziumSettings)
    case cloudevents(CloudEventsMode)

    var isDebezium: Bool { if case .debezium = self { true } else { false } }
}

/// The format of Debezium's MongoDB connector.
package struct DebeziumSettings: Sendable, Equatable {
    /// How documents are in a record.
    package enum Document: String, Sendable, CaseIterable {
        /// As a text that is JSON, as the connector writes them.
        case string
        /// As relaxed Extended JSON.
        case object
    }

    /// `source.name`.
    package var topicPrefix: String
    package var document: Document

    package init(topicPrefix: String, document: Document = .string) {
        self.topicPrefix = topicPrefix
        self.document = document
    }
}

/// Where CloudEvents' attributes are.
package enum CloudEventsMode: String, Sendable, CaseIterable {
    /// In headers; the value is the change event.
    case binary
    /// In the value, beside the change event.
    case structured
}

extension RecordFormat: CustomStringConvertible {
    /// The word of the configuration.
    package var description: String {
        switch self {
        case .relaxed: "relaxed"
        case .canonical: "canonical"
        case .simple: "simple"
        case .bson: "bson"
        case .template: "template"
        case .debezium: "debezium"
        case .cloudevents: "cloudevents"
        }
    }
}
