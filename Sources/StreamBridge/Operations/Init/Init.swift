import Logging
import Runtime

/// A first configuration from two addresses and what is to be watched. Changes nothing on either side.
package final class Init: Sendable {
    private let environment: [String: String]
    private let logger: Logger
    private let stop = StopSignal()

    /// - Parameter environment: what references in the URI take their values from.
    package init(environment: [String: String], logger: Logger) {
        self.environment = environment
        self.logger = logger
    }

    package func requestStop() { stop.request(grace: .zero) }

    /// - Throws: ``WrongUsage``, ``Unreachable``, ``Halt``, ``Stopped``.
    package func reach(mongodb: String, kafka: String) async throws -> Surveyor {
        let connection = try InitRequest(mongodb: mongodb, kafka: kafka, watch: []).connection(environment: environment)
        return try await OperationThread.run("init", stop: stop, onlyReads: true) { [stop, logger] in
            try Surveyor(connection, stop: stop, logger: logger)
        }
    }

    /// What can be watched, `db.coll`; nil where the account may not list it.
    ///
    /// - Throws: ``Unreachable``, ``Halt``, ``Stopped``.
    package func collections(_ surveyor: Surveyor) async throws -> [String]? {
        try await OperationThread.run("init", stop: stop, onlyReads: true) { try surveyor.collections()?.map(\.description) }
    }

    /// - Throws: ``WrongUsage``, ``Unreachable``, ``Halt``, ``Stopped``.
    package func plan(_ request: InitRequest, with surveyor: Surveyor, delivery: Delivery) async throws -> InitPlan {
        let scopes = try request.scopes()
        let survey = try await OperationThread.run("init", stop: stop, onlyReads: true) { try surveyor.survey(of: scopes) }
        return try InitPlan(request, survey: survey, delivery: delivery)
    }
}
