import Foundation
import Mongo
import Testing

@testable import Runtime
@testable import StreamBridge

/// What a real server takes for equal is what the bridge takes for equal: as an identity, as a record's key, and as a
/// looked-up `_id`.
@Suite struct EqualityMongodTests {
    private struct Pair {
        let one: BSONValue
        let other: BSONValue
    }

    /// Which pairs a unique index takes for duplicates.
    ///
    /// - Parameter isNested: compares documents that have the values inside.
    private static func duplicates(_ pairs: [Pair], isNested: Bool, on scene: Scene) throws -> Set<Int> {
        let collection = isNested ? "nested" : "plain"
        try scene.command([
            "createIndexes": .string(collection),
            "indexes": [["key": ["pair": 1, "v": 1], "name": "pair_v", "unique": true]], "writeConcern": ["w": "majority"],
        ])
        func value(_ value: BSONValue) -> BSONValue { isNested ? ["in": value] : value }
        var refused: Set<Int> = []
        var bulk = InsertCommand(
            database: scene.database, collection: collection, writeConcern: .init(w: .majority, wtimeout: Patience.limit, journal: false))
        for part in stride(from: 0, to: pairs.count, by: 2000) {
            bulk.removeAll()
            for index in part..<min(part + 2000, pairs.count) {
                for one in [pairs[index].one, pairs[index].other] {
                    bulk.append { buffer in
                        buffer.appendElement("pair", .int32(Int32(index)))
                        buffer.appendElement("v", value(one))
                    }
                }
            }
            let reply = try scene.pool.withClient { client in try bulk.run(on: client, operation: "insert pairs") }
            for refusal in reply.refusals {
                try #require(refusal.code == .duplicateKey && refusal.index % 2 == 1, "\(refusal)")
                refused.insert(part + refusal.index / 2)
            }
        }
        return refused
    }

    private static func pairs(_ values: [BSONValue]) -> [Pair] {
        values.indices.flatMap { index in values[index...].map { Pair(one: values[index], other: $0) } }
    }

    private static func key(_ value: BSONValue) throws -> [UInt8] {
        let document: BSONDocument = ["k": value]
        var buffer = OutputBuffer(capacity: 64)
        let span = document.bytes.span.bytes
        var fields = try BSONCursor(document: span)
        if let field = try fields.next(in: span) { try ExtendedJSON.writeValue(field, of: span, mode: .key, into: &buffer) }
        return buffer.bytes()
    }

    private static func canonical(_ value: BSONValue) throws -> [UInt8] {
        let document: BSONDocument = ["k": value]
        var buffer = OutputBuffer(capacity: 64)
        let span = document.bytes.span.bytes
        var fields = try BSONCursor(document: span)
        if let field = try fields.next(in: span) { try CanonicalBSON.write(field, of: span, into: &buffer) }
        return buffer.bytes()
    }

    private static func expectAgreement(_ pairs: [Pair], with duplicates: Set<Int>) throws {
        for (index, pair) in pairs.enumerated() {
            let isEqual = duplicates.contains(index)
            let shown = "\(pair.one) and \(pair.other): the server says \(isEqual ? "equal" : "different")"
            let (one, other) = (BSONIdentity(pair.one), BSONIdentity(pair.other))
            #expect((one == other) == isEqual, "\(shown)")
            #expect((Resource(pair.one) == Resource(pair.other)) == isEqual, "\(shown)")
            #expect(try (key(pair.one) == key(pair.other)) == isEqual, "\(shown)")
            #expect(try (canonical(pair.one) == canonical(pair.other)) == isEqual, "\(shown)")
            #expect(!(isEqual && (one < other || other < one)), "\(shown)")
            if isEqual { #expect(one.hashValue == other.hashValue, "\(shown)") }
        }
    }

    @Test(arguments: [false, true])
    func numbersAreEqualExactlyWhereAUniqueIndexSaysSo(isNested: Bool) async throws {
        try await Scene.play { scene in
            let pairs = Self.pairs(try SampleValues.numbers())
            let duplicates = try Self.duplicates(pairs, isNested: isNested, on: scene)
            try #require(duplicates.count > pairs.count / 50)
            try Self.expectAgreement(pairs, with: duplicates)
        }
    }

    @Test(arguments: [false, true])
    func valuesOfAllTypesAreEqualExactlyWhereAUniqueIndexSaysSo(isNested: Bool) async throws {
        try await Scene.play { scene in
            let numbers: [BSONValue] = [
                0, 1, .double(1), .double(7.25), try SampleValues.decimal("7.250"), try SampleValues.decimal("0.1"),
            ]
            let pairs = Self.pairs(try SampleValues.others() + numbers)
            let duplicates = try Self.duplicates(pairs, isNested: isNested, on: scene)
            try #require(duplicates.count > pairs.count / 50)
            try Self.expectAgreement(pairs, with: duplicates)
        }
    }

    @Test func randomNumbersAreEqualExactlyWhereAUniqueIndexSaysSo() async throws {
        try await Scene.play { scene in
            var random = SeededGenerator(seed: 11)
            var pairs: [Pair] = []
            for _ in 0..<1500 {
                let bits = Int64(bitPattern: random.next()) >> Int64(random.below(64))
                let double = Double(bits) / Double(1 << random.below(50))
                // The decimal that the double is, as far as 34 digits go, and one that is not.
                let exact = try SampleValues.decimal("\(Decimals.text(of: double, digits: 34))")
                let short = try SampleValues.decimal("\(Decimals.text(of: double, digits: 1 + random.below(34)))")
                for other in [exact, short, .int64(bits), .double(double.nextUp)] { pairs.append(Pair(one: .double(double), other: other)) }
                pairs.append(Pair(one: exact, other: short))
                pairs.append(Pair(one: .int64(bits), other: try SampleValues.decimal("\(bits).0")))
                pairs.append(Pair(one: .int64(bits), other: .double(Double(bits))))
            }
            let duplicates = try Self.duplicates(pairs, isNested: false, on: scene)
            try #require(duplicates.count > pairs.count / 10)
            try Self.expectAgreement(pairs, with: duplicates)
        }
    }
}

/// Doubles in decimal.
private enum Decimals {
    /// The double rounded to so many significant digits.
    static func text(of value: Double, digits: Int) -> String { String(format: "%.\(digits - 1)e", value) }
}
