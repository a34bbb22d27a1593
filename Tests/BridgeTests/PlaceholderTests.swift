import Testing

@testable import StreamBridge

@Test func namespaceReadsAsItIsWrittenInMongoDB() {
    #expect(Namespace(database: "lessons", collection: "inventory").description == "lessons.inventory")
}
