import Mongo

@testable import StreamBridge

extension SampleEvent {
    /// An event as the server splits it, each fragment with the fields that are named, and with a token of its own that
    /// comes after the one before.
    static func fragments(of event: BSONDocument, _ parts: [[String]]) -> [BSONDocument] {
        parts.enumerated().map { index, names in
            var fragment: BSONDocument = ["_id": .document(token(ofFragment: index + 1, of: event).document)]
            fragment.append("splitEvent", ["fragment": .int32(Int32(index + 1)), "of": .int32(Int32(parts.count))])
            for name in names { if let value = event[name] { fragment.append(name, value) } }
            return fragment
        }
    }

    /// The token of a fragment, from 1.
    static func token(ofFragment number: Int, of event: BSONDocument) -> ResumeToken {
        ResumeToken(data: "\(event["_id"]?.documentValue?["_data"]?.stringValue ?? "")A\(number)")
    }

    /// An event that was joined: the same, with the token of the last of so many fragments.
    static func joined(_ event: BSONDocument, fragments count: Int) -> BSONDocument {
        var joined = event
        joined.set("_id", .document(token(ofFragment: count, of: event).document))
        return joined
    }

    /// An update with both images.
    static func update(_ number: Int32) -> BSONDocument {
        var event = insert(number) {
            $0.set("operationType", "update")
        }
        event.append("updateDescription", ["updatedFields": ["quantity": .int32(number)], "removedFields": [], "truncatedArrays": []])
        event.append("fullDocumentBeforeChange", ["_id": .int32(number), "quantity": 0])
        return event
    }

    /// Where the server would split ``update(_:)``, with both images large, or an insert with a large document.
    static let parts = [
        ["wallTime", "clusterTime", "txnNumber", "lsid", "operationType", "ns", "documentKey", "updateDescription"], ["fullDocument"],
        ["fullDocumentBeforeChange"],
    ]
}
