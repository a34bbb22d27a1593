import Testing

@testable import Kafka
@testable import Mongo
@testable import Runtime
@testable import StreamBridge

/// Random documents and random rules, beside a slow model; and bytes that are not BSON.
@Suite struct FieldRandomTests {
    private static let names = ["a", "b", "c", "ab", "0", "1", "12345678"]

    private static func path(_ random: inout SeededGenerator) -> [String] {
        (0...random.below(3)).map { _ in random.pick(names) }
    }

    /// Rules without contradictions, as the configuration has them.
    static func model(_ random: inout SeededGenerator) -> FieldModel {
        var model = FieldModel()
        var taken: [[String]] = []
        func isFree(_ path: [String]) -> Bool { !taken.contains { $0.starts(with: path) || path.starts(with: $0) } }
        let includes = random.below(3) == 0
        if includes { model.include = [] }
        for _ in 0...random.below(4) {
            var path = path(&random)
            if includes {
                guard isFree(path) else { continue }
                model.include?.append(path)
                taken.append(path)
                guard random.below(2) == 0 else { continue }
                if random.below(2) == 0 { path += self.path(&random) }
                model.mask.append((path, mask(&random)))
                continue
            }
            guard isFree(path) else { continue }
            taken.append(path)
            if random.below(2) == 0 { model.exclude.append(path) } else { model.mask.append((path, mask(&random))) }
        }
        let renamed = path(&random).filter { !FieldModel.isPosition($0) }
        let covered = !includes || (model.include ?? []).contains { renamed.starts(with: $0) || $0.starts(with: renamed) }
        if !renamed.isEmpty, covered, !(model.exclude + model.mask.map(\.path)).contains(where: { renamed.starts(with: $0) }),
            !(taken + model.mask.map(\.path)).contains(where: { $0.starts(with: renamed.dropLast() + ["z"]) })
        {
            model.rename.append((renamed, "z"))
        }
        return model
    }

    private static func mask(_ random: inout SeededGenerator) -> FieldMask { random.pick([.hash, .keep(2), .redact]) }

    static func document(_ random: inout SeededGenerator, depth: Int = 0) -> BSONDocument {
        var seen: Set<String> = []
        return BSONDocument(
            fields: (0..<random.below(5)).compactMap { _ in
                let key = random.below(4) == 0 ? path(&random).joined(separator: ".") : random.pick(names + ["z", "", "a.", "d"])
                return seen.insert(key).inserted ? (key, value(&random, depth: depth)) : nil
            })
    }

    private static func value(_ random: inout SeededGenerator, depth: Int) -> BSONValue {
        switch random.below(depth < 4 ? 8 : 5) {
        case 0: .string("text \(random.below(1000)) é")
        case 1: .int32(Int32(random.below(100)))
        case 2: .double(Double(random.below(100)))
        case 3: .null
        case 4: .string("")
        case 5: .array((0..<random.below(4)).map { _ in value(&random, depth: depth + 1) })
        default: .document(document(&random, depth: depth + 1))
        }
    }

    @Test(arguments: 0..<20)
    func theWalkAgreesWithTheModel(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed) + 100)
        for _ in 0..<400 {
            let model = Self.model(&random)
            let document = Self.document(&random)
            let published = try model.rewriter.document(document)
            let expected = try model.document(document)
            #expect(published == expected, "\(model)\n\(document)")
            guard published == expected else { return }
        }
    }

    /// The rules come before the encoder: what it writes of an event with rules, it writes of the rewritten event
    /// without them.
    @Test(arguments: EventEncoderFormats.all)
    func everyFormatWritesTheSameRewrittenEvent(format: RecordFormat) throws {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<200 {
            let model = Self.model(&random)
            var event = SampleEvent.insert(1, document: Self.document(&random))
            event.append("updateDescription", ["updatedFields": .document(Self.document(&random)), "removedFields": []])
            let rules = FieldSettings(
                include: model.include, exclude: model.exclude, rename: model.rename.map { .init(path: $0.path, name: $0.name) },
                mask: model.mask.map { .init(path: $0.path, mask: $0.mask) }, key: String(decoding: FieldModel.key, as: UTF8.self))
            let published = try EventEncoder(.sample { ($0.format, $0.fields) = (format, rules) }).records(of: event)
            let expected = try EventEncoder(.sample { $0.format = format }).records(of: model.rewriter.event(event))
            #expect(published == expected)
        }
    }

    /// Bytes that were changed anywhere never trap, and give the same error in every format where the rules cannot read
    /// them.
    @Test(arguments: 0..<4)
    func malformedEventsFailAlikeInEveryFormat(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed) + 900)
        for _ in 0..<300 {
            let model = Self.model(&random)
            var event = SampleEvent.insert(1, document: Self.document(&random))
            event.append("updateDescription", ["updatedFields": .document(Self.document(&random)), "removedFields": ["a.b", "c"]])
            var bytes = event.bytes
            for _ in 0...random.below(3) { bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next()) }
            let rewriter = model.rewriter
            var buffer = OutputBuffer(capacity: 64)
            var failure: BSONError?
            do throws(BSONError) {
                try rewriter.writeEvent(bytes.span.bytes, at: 0, into: &buffer)
                // What the rules have read is a document again.
                let copied = buffer.bytes()
                var cursor = try BSONCursor(document: copied.span.bytes)
                while try cursor.next(in: copied.span.bytes) != nil {}
            } catch {
                failure = error
            }
            guard let failure, let parsed = try? ChangeEvent(of: bytes.span.bytes, at: 0) else { continue }
            let rules = FieldSettings(
                include: model.include, exclude: model.exclude, rename: model.rename.map { .init(path: $0.path, name: $0.name) },
                mask: model.mask.map { .init(path: $0.path, mask: $0.mask) }, key: String(decoding: FieldModel.key, as: UTF8.self))
            for format in EventEncoderFormats.all {
                let encoder = EventEncoder(.sample { ($0.format, $0.fields) = (format, rules) })
                var batch = RecordBatch()
                let error = #expect(throws: BSONError.self) {
                    try encoder.encode(parsed, of: bytes.span.bytes, route: 0, origin: 0, place: nil, into: &batch)
                }
                #expect(error == failure && batch.records.isEmpty && batch.bytes.isEmpty)
            }
        }
    }
}

/// One of every format.
enum EventEncoderFormats {
    static let all: [RecordFormat] = [
        .relaxed, .canonical, .simple, .bson, .debezium(DebeziumSettings(topicPrefix: "shop")),
        .debezium(DebeziumSettings(topicPrefix: "shop", document: .object)), .cloudevents(.binary), .cloudevents(.structured),
        .template(TextTemplate(segments: [.literal("t: "), .placeholder(["fullDocument"]), .placeholder(["updateDescription"])])),
    ]
}
