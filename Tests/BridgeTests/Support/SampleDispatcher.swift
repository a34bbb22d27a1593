@testable import StreamBridge

extension DispatcherSettings {
    /// The dispatcher of the shipments, with other fields.
    static func sample(fields: [CommandField] = sampleFields) -> DispatcherSettings {
        DispatcherSettings(
            name: "shipments", commands: "dispatch.commands", outcomes: "dispatch.outcomes", deadLetters: "dispatch.dead-letters",
            collection: Namespace(database: "lessons", collection: "shipments"), fields: fields,
            resource: ResourceSettings(
                field: "truck_id", pool: Namespace(database: "lessons", collection: "trucks"), choose: .random, label: "Truck"),
            delivery: .exactlyOnce)
    }

    static let sampleFields = [
        CommandField(name: "source", type: .string, isRequired: true),
        CommandField(name: "destination", type: .string, isRequired: true),
        CommandField(name: "product", type: .string, isRequired: true),
        CommandField(name: "quantity", type: .int(minimum: 1, maximum: nil), isRequired: true),
    ]
}
