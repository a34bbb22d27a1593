// A fuzzer for the decoder of commands, guided by coverage (libFuzzer) and with the address sanitizer. It is compiled together with the
// sources that it tests, because the sanitizer has to instrument them; it is no target of the package.
//
// From the root of the package (300 is seconds):
//
//     Fuzz/CommandFuzz/run.sh 300
//
// A finding is written to a file crash-… in .build/command-fuzz; `.build/command-fuzz/command-fuzz FILE` runs it again.

import Mongo
import Runtime

private let decoder = CommandDecoder(
    DispatcherSettings(
        name: "fuzz", commands: "commands", outcomes: "outcomes", deadLetters: "dead-letters",
        collection: Namespace(database: "fuzz", collection: "shipments"),
        fields: [
            CommandField(name: "text", type: .string, isRequired: true),
            CommandField(name: "count", type: .int(minimum: nil, maximum: 1_000_000_000_000), isRequired: false),
            CommandField(name: "share", type: .number(minimum: -1, maximum: nil), isRequired: false),
            CommandField(name: "flag", type: .boolean, isRequired: false),
            CommandField(name: "due", type: .date, isRequired: false),
        ],
        resource: ResourceSettings(field: "truck_id", pool: nil, choose: .lowest, label: "Truck"), delivery: .exactlyOnce))

/// One input: a record.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // A copy of exactly this size, so that the sanitizer sees the first byte read beyond it.
    let record = [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    var memory = OutputBuffer(capacity: 64)
    memory.append("before")
    do {
        let command = try decoder.decode(record.span.bytes, defaultID: "default", into: &memory)
        precondition(1...512 ~= command.id.utf8.count, "an id of another size")
        if let expiresAt = command.expiresAt { isWritten(expiresAt) }
        switch command.order {
        case .dispatch(let resource, let body):
            precondition(body == 6..<memory.count, "a body that is elsewhere")
            isValid(resource)
            isValid(body: memory.bytes()[body])
        case .complete(let target):
            precondition(1...512 ~= target.utf8.count, "a target of another size")
            precondition(memory.count == 6, "a completion with a body")
        }
    } catch {
        precondition(memory.count == 6, "a fault that leaves bytes")
        precondition(!error.message.isEmpty && error.message.utf8.count < 1000, "a message of another size")
        precondition(error.message.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }, "a message of several lines")
        precondition(1...512 ~= error.id?.utf8.count ?? 1, "a faulty id")
    }
    return 0
}

private func isValid(_ resource: Resource) {
    switch resource.value {
    case .string(let text): precondition(text.utf8.count <= 512, "a resource that is too long")
    case .int32, .int64, .double, .decimal128, .boolean, .objectID, .date: break
    case .binary(_, let bytes): precondition(bytes.count <= 512, "a resource that is too long")
    default: preconditionFailure("a resource of another type")
    }
    precondition(resource.namesakes.allSatisfy { $0 != resource && "\($0)" == "\(resource)" }, "namesakes of another name")
}

/// The body is BSON, and its text is UTF-8: it can be written as JSON.
private func isValid(body: ArraySlice<UInt8>) {
    let length = UInt32(body.count + 5)
    let bytes = (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + body + [0]
    do {
        let document = try BSONDocument(copying: bytes.span.bytes)
        _ = try document.extendedJSON(.canonical)
        let types = try document.fields().map(\.value.type)
        precondition(types.first == .string, "the required field is missing")
    } catch {
        preconditionFailure("a body that is not BSON: \(error)")
    }
}

/// A time can be written.
private func isWritten(_ milliseconds: Int64) {
    var buffer = OutputBuffer(capacity: 64)
    JSONDate.write(milliseconds, alwaysWithFraction: true, into: &buffer)
}
