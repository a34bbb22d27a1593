import Testing

@testable import StreamBridge

@Suite struct TopicNameTests {
    @Test(arguments: [
        ("mongo.{db}.{coll}", "lessons", "inventory", "mongo.lessons.inventory"),
        // dropDatabase has no collection.
        ("mongo.{db}.{coll}", "lessons", "", "mongo.lessons"),
        // An invalidate of a stream on the whole cluster has neither.
        ("mongo.{db}.{coll}", "", "", "mongo"),
        ("{db}.{coll}", "lessons", "", "lessons"),
        ("{db}.{coll}", "", "", "cluster"),
        ("{coll}", "lessons", "", "lessons"),
        ("{coll}.{db}", "lessons", "", "lessons"),
        ("{db}-{coll}_changes", "lessons", "", "lessons_changes"),
        ("changes", "lessons", "inventory", "changes"),
        // A literal keeps its own separators.
        ("_private.{db}.{coll}", "lessons", "inventory", "_private.lessons.inventory"),
        // Characters that Kafka does not know.
        ("{db}.{coll}", "lessons", "très long", "lessons.tr_s_long"),
        ("{db}.{coll}", "lessons", "a/b:c$d", "lessons.a_b_c_d"),
        ("{db}.{coll}", "lessons", "fs.files", "lessons.fs.files"),
        ("{coll}", "lessons", "果物", "__"),
        // One character to a person, two code points to Kafka.
        ("{coll}", "lessons", "e\u{301}", "e_"),
    ])
    func rendersANamespace(_ template: String, _ database: String, _ collection: String, _ name: String) throws {
        let namespace = Namespace(database: database, collection: collection)
        #expect(try TopicName.render(TextTemplate(parsing: template), for: namespace) == name)
    }
}
