import CMongo
import Runtime

/// What has to happen to a write before it counts (MongoDB manual, "Write Concern").
package struct WriteConcern: Sendable, Equatable {
    package enum Acknowledgement: Sendable, Equatable {
        case majority
        case nodes(Int)
        case tag(String)
    }

    package var w: Acknowledgement
    /// How long to wait for the members; nil for no limit.
    package var wtimeout: Duration?
    package var journal: Bool

    package init(w: Acknowledgement, wtimeout: Duration?, journal: Bool) {
        self.w = w
        self.wtimeout = wtimeout
        self.journal = journal
    }

    /// As a command's `writeConcern`.
    package var document: BSONDocument {
        let acknowledgement: BSONValue =
            switch w {
            case .majority: "majority"
            case .nodes(let count): BSONValue(count)
            case .tag(let name): .string(name)
            }
        var document: BSONDocument = ["w": acknowledgement, "j": .boolean(journal)]
        if let wtimeout { document.append("wtimeout", .int64(Int64(wtimeout.milliseconds))) }
        return document
    }

    /// For the calls of the driver that take no command.
    func withHandle<Result>(_ body: (OpaquePointer) -> Result) -> Result {
        let handle: OpaquePointer = mongoc_write_concern_new()
        defer { mongoc_write_concern_destroy(handle) }
        switch w {
        case .majority: mongoc_write_concern_set_w(handle, MONGOC_WRITE_CONCERN_W_MAJORITY)
        case .nodes(let count): mongoc_write_concern_set_w(handle, Int32(clamping: count))
        case .tag(let name): mongoc_write_concern_set_wtag(handle, name)
        }
        mongoc_write_concern_set_journal(handle, journal)
        if let wtimeout { mongoc_write_concern_set_wtimeout_int64(handle, Int64(wtimeout.milliseconds)) }
        return body(handle)
    }
}
