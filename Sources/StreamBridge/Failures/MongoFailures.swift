import Mongo
import Runtime

/// Source of the codes: the drivers' specifications of change streams ("Resumable Error") and of retryable writes, the
/// server's error_codes.yml, and the assertions of its sources.
enum MongoFailures {
    private typealias Row = FailureTable<MongoError.Code>.Row

    static let table = FailureTable(transient + halts + writes)

    private static let transient: [Row] = [
        Row([.hostUnreachable, .hostNotFound, .socketException], .retry(.network)),
        Row([.maxTimeMSExpired, .networkTimeout, .networkInterfaceExceededTimeLimit, .exceededTimeLimit], .retry(.timeout)),
        Row(
            [
                .shutdownInProgress, .primarySteppedDown, .notWritablePrimary, .interruptedAtShutdown, .interruptedDueToReplStateChange,
                .notPrimaryNoSecondaryOk, .notPrimaryOrSecondary,
            ], .retry(.election)),
        Row(
            [
                .cursorNotFound, .queryPlanKilled, .closeChangeStream, .cursorKilled, .changeStreamInvalidated,
                .changeStreamStartAfterInvalidate, .interrupted,
            ], .retry(.other)),
        Row(
            [
                .writeConflict, .transactionExceededLifetimeLimitSeconds, .connectionPoolExpired, .temporarilyUnavailable,
                .connectionError, .resourceExhausted, .pooledConnectionAcquisitionExceededTimeLimit, .admissionQueueOverflow,
                .rateLimitExceeded, .pooledConnectionAcquisitionRejected, .ingressRequestRateLimitExceeded,
            ], .retry(.other)),
        Row(
            [
                .namespaceNotFound, .staleShardVersion, .notYetInitialized, .failedToSatisfyReadPreference,
                .readConcernMajorityNotAvailableYet, .staleEpoch, .keyNotFound, .retryChangeStream, .snapshotUnavailable,
                .interruptedDueToReshardingCriticalSection, .staleConfig, .retriableRemoteCommandFailure, .interruptedDueToFCVChange,
            ], .retry(.other)),
        Row([.reauthenticationRequired], of: [.stream], .retry(.other)),
    ]

    private static let halts: [Row] = [
        Row([.unauthorized], of: [.stream], .missingRight),
        Row(
            [.changeStreamHistoryLost, .cappedPositionLost, .shardRemovedError, .location40576, .location40615], of: [.stream],
            .lostPosition(.forgotten)),
        Row([.changeStreamFatalError, .invalidResumeToken, .location40585], of: [.stream], .lostPosition(.refused)),
        Row(
            MongoError.Code.keyStringLocations + [.overflow, .location40647, .location40649], of: [.stream], .lostPosition(.unreadable)),
        halt(
            [.commandNotSupportedOnView],
            "Watch collections: views and time-series collections have no change stream. Of a view, watch those that it reads from"),
        halt(
            [.bsonObjectTooLarge],
            "An event is larger than 16 MB. MongoDB 6.0.9, 7.0 and later split such events, and the bridge joins them again: "
                + "upgrade the server, and the stream continues with this event. Or leave large fields out with a $project stage, or "
                + "use fullDocument: default and fullDocumentBeforeChange: off"),
        halt(
            [.location13548],
            "An event is larger than 64 MB, which MongoDB cannot split: leave large fields out with a $project stage. The stream "
                + "continues with this event"),
        halt(
            [.noMatchingDocument],
            "The collection has no pre- or post-image of this change: set changeStreamPreAndPostImages on it, or use whenAvailable"),
        halt(
            [.location40573],
            "Change streams need a replica set, because they read its oplog: start mongod with --replSet and run rs.initiate(); "
                + "one member is enough"),
        halt(
            [
                .badValue, .failedToParse, .typeMismatch, .illegalOperation, .invalidOptions, .invalidNamespace, .invalidPipelineOperator,
                .location16436, .location17276, .location31441, .location40323, .location40324, .idlUnknownField,
            ],
            "Check the stream's pipeline and options against the version of the server"),
        halt([.readConcernMajorityNotEnabled], "Change streams need majority read concern: remove enableMajorityReadConcern: false"),
        halt([.changeStreamNotEnabled], "Enable change streams on the deployment"),
    ]

    private static let writes: [Row] = [
        Row([.writeConcernTimeout], of: [.dispatcher], .retry(.timeout)),
        Row(
            [
                .lockTimeout, .lockBusy, .transactionTooOld, .noSuchTransaction, .transactionCommitted, .operationNotSupportedInTransaction,
            ], of: [.dispatcher], .retry(.other)),
        Row([.snapshotTooOld], of: [.dispatcher], .retry(.other)),
        Row([.userWritesBlocked, .outOfDiskSpace], of: [.dispatcher], .retry(.other)),
        // Somebody dropped the index or its collection meanwhile, or builds the same.
        Row([.indexBuildAborted, .indexBuildAlreadyInProgress], of: [.indexBuild], .retry(.other)),
        Row([.unauthorized, .reauthenticationRequired], of: [.dispatcher], .missingRight),
        Row(
            [.unknownReplWriteConcern, .unsatisfiableWriteConcern], of: [.dispatcher],
            .halt(remedy: "Correct mongodb.writeConcern: the replica set has no members that could satisfy it")),
        Row(
            [.invalidOptions, .invalidNamespace], of: [.dispatcher],
            .halt(remedy: "Correct the dispatcher's collection and mongodb.writeConcern")),
        Row(
            [
                .badValue, .failedToParse, .typeMismatch, .dollarPrefixedFieldName, .invalidIdField, .notSingleValueField, .invalidDBRef,
                .emptyFieldName, .dottedFieldName, .immutableField, .documentValidationFailure, .bsonObjectTooLarge, .keyTooLong,
                .location17419, .location17420,
            ], of: [.document], .deadLetter),
    ]

    private static func halt(_ codes: [MongoError.Code], _ remedy: String) -> Row { Row(codes, of: [.stream], .halt(remedy: remedy)) }
}
