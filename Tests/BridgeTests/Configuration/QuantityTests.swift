import Testing

@testable import StreamBridge

@Suite struct QuantityTests {
    @Test(arguments: [
        ("250ms", Duration.milliseconds(250)), ("5s", .seconds(5)), ("2m", .seconds(120)), ("1h", .seconds(3600)), ("0s", .zero),
    ])
    func durationsHaveAUnit(text: String, duration: Duration) throws {
        #expect(try DurationText.parse(text) == duration)
    }

    @Test(arguments: [
        "", "5", "s", "-5s", "+5s", "5 s", "5S", "1.5s", "1m30s", "5sec", "٥s", "99999999999999999999s", "9223372036854775807h", "5s ",
    ])
    func otherTextsAreNoDurations(text: String) {
        #expect(throws: ConfigurationComplaint.self) { try DurationText.parse(text) }
    }

    @Test func durationWithoutUnitNamesTheUnits() {
        #expect(throws: ConfigurationComplaint("a duration needs its unit: write 5s or 5ms")) { try DurationText.parse("5") }
    }

    @Test(arguments: ["1ms", "250ms", "5s", "90s", "2m", "1h", "25h"])
    func durationsPrintWithTheLargestExactUnit(text: String) throws {
        #expect(try DurationText.format(DurationText.parse(text)) == text)
    }

    @Test(arguments: [
        ("0", 0), ("1", 1), ("17B", 17), ("64KiB", 65536), ("16MiB", 16 << 20), ("1GiB", 1 << 30), ("10MB", 10_000_000), ("3KB", 3000),
        ("2GB", 2_000_000_000), ("9223372036854775807", Int.max),
    ])
    func sizesMayHaveAUnit(text: String, bytes: Int) throws {
        #expect(try SizeText.parse(text) == bytes)
    }

    @Test(arguments: [
        "", "MiB", "-1", "1.5MiB", "16 MiB", "16mib", "16M", "9223372036854775808", "8589934592GiB", "99999999999999999999MiB", "１６",
    ])
    func otherTextsAreNoSizes(text: String) {
        #expect(throws: ConfigurationComplaint.self) { try SizeText.parse(text) }
    }

    @Test func unitInTheWrongCaseIsNamed() {
        #expect(throws: ConfigurationComplaint("write 16MiB")) { try SizeText.parse("16mib") }
    }

    @Test(arguments: ["0", "1", "1000", "64KiB", "1025KiB", "16MiB", "3GiB"])
    func sizesPrintWithTheLargestExactUnit(text: String) throws {
        #expect(try SizeText.format(SizeText.parse(text)) == text)
    }

    @Test func nearestNameForgivesCaseSeparatorsAndSwaps() {
        let names = ["fullDocument", "fullDocumentBeforeChange", "startAt"]
        #expect(NearestName.of("full_document", among: names) == "fullDocument")
        #expect(NearestName.of("fulDocumnet", among: names) == "fullDocument")
        #expect(NearestName.of("strat-at", among: names) == "startAt")
        #expect(NearestName.of("colour", among: names) == nil)
        #expect(NearestName.of("", among: names) == nil)
        #expect(NearestName.editDistance(Array("abcd"), Array("acbd")) == 1)
        #expect(NearestName.editDistance(Array(""), Array("abc")) == 3)
    }
}
