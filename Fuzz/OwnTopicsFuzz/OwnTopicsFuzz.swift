// A fuzzer for what the bridge reads from its own topics, where anybody with the right may write: positions, edits,
// replays, snapshots, and the headers that are counted on from. Guided by coverage (libFuzzer) and with the address sanitizer. It
// is compiled together with the sources that it tests, because the sanitizer has to instrument them; it is no target of
// the package.
//
// From the root of the package (300 is seconds):
//
//     Fuzz/OwnTopicsFuzz/run.sh 300
//
// A finding is written to a file crash-… in .build/own-topics-fuzz; `.build/own-topics-fuzz/own-topics-fuzz FILE` runs
// it again.

import Mongo
import Runtime

/// One input: a record's value, and a header's.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // A copy of exactly this size, so that the sanitizer sees the first byte read beyond it.
    let value = [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    position(value)
    edit(value)
    snapshot(value)
    if let document = try? BSONDocument(extendedJSON: String(decoding: value, as: UTF8.self)) { copy(document) }
    headers(value)
    return 0
}

/// What a session does with it: it counts on, and stores it again.
private func position(_ value: [UInt8]) {
    guard let stored = try? StoredPosition(json: value) else { return }
    var next = stored
    next.position.events += 1
    next.position.transaction = stored.position.transaction.flatMap { TransactionPlace.next(after: $0, of: $0.id) }
    precondition(next.position.transaction.map { $0.index > 0 } ?? true, "an index that does not count on")
    _ = stored.position.token.clusterTime?.readable
    _ = StoredPosition.iso8601(milliseconds: stored.writtenAt)
    // Nobody counts that far, and one more would be refused.
    guard stored.position.events < BSONValue.maxCount, stored.position.transaction?.index ?? 0 < BSONValue.maxCount else { return }
    guard let again = try? StoredPosition(json: next.json) else { preconditionFailure("a position that cannot be read again") }
    precondition(again.position.events == next.position.events, "another count")
}

private func edit(_ value: [UInt8]) {
    guard let edit = PositionEdit(json: value) else { return }
    _ = (edit.oldPlace, edit.newPlace, edit.time)
    precondition(PositionEdit(json: Array(edit.json.utf8)) != nil, "an edit that cannot be read again")
}

/// What a session does with it: it takes over how far the position says that it is, and writes it again.
private func snapshot(_ value: [UInt8]) {
    guard var record = SnapshotRecord(json: value) else { return }
    if let part = record.parts.last {
        let documents = record.parts.map(\.documents).max() ?? 0
        record.apply(SnapshotProgress(id: record.id, namespace: part.namespace, after: part.after, documents: documents))
        precondition(record.current != nil, "a snapshot that runs and has no part that does")
    }
    guard let again = SnapshotRecord(json: record.json) else { preconditionFailure("a snapshot that cannot be read again") }
    precondition(again.parts.count == record.parts.count, "another number of parts")
}

private func copy(_ document: BSONDocument) {
    guard var record = TopicCopyRecord(document) else { return }
    precondition(record.fraction.map { 0...1 ~= $0 } ?? true, "a fraction of \(record.fraction ?? 0)")
    if record.copied < BSONValue.maxCount { record.copied += 1 }
    let again = try? BSONDocument(extendedJSON: String(decoding: record.json, as: UTF8.self))
    precondition(again.flatMap(TopicCopyRecord.init)?.place == record.place, "a copy that cannot be read again")
}

private func headers(_ value: [UInt8]) {
    let text = String(decoding: value, as: UTF8.self)
    let parts = text.split(separator: " ", omittingEmptySubsequences: false)
    guard let index = parts.first.flatMap({ Int64(count: String($0)) }) else { return }
    precondition(0...BSONValue.maxCount ~= index, "a count out of bounds")
    guard let id = parts.last.flatMap({ TransactionID(String($0), at: BSONTimestamp(seconds: 1, increment: 1)) }) else { return }
    _ = TransactionPlace.next(after: TransactionPlace(id: id, index: index), of: id)
}
