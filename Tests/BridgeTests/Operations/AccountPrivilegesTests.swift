import Mongo
import Testing

@testable import StreamBridge

@Suite struct AccountPrivilegesTests {
    private static func reply(_ privileges: [BSONValue]) -> BSONDocument {
        ["authInfo": ["authenticatedUsers": [["user": "bridge", "db": "admin"]], "authenticatedUserPrivileges": .array(privileges)]]
    }

    private static func missing(_ resource: BSONValue, _ collection: String? = "shipments") -> [String] {
        AccountPrivileges(reply: reply([["resource": resource, "actions": ["find", "insert"]]]))
            .missing(["insert", "update"], database: "lessons", collection: collection)
    }

    @Test func whatARoleGrantsIsFound() {
        #expect(Self.missing(["db": "lessons", "collection": "shipments"]) == ["update"])
        #expect(Self.missing(["db": "lessons", "collection": ""]) == ["update"])
        #expect(Self.missing(["db": "", "collection": "shipments"]) == ["update"])
        #expect(Self.missing(["db": "", "collection": ""]) == ["update"])
        #expect(Self.missing(["anyResource": true]) == ["update"])
    }

    @Test func whatIsForSomethingElseDoesNotCount() {
        for resource: BSONValue in [
            ["db": "lessons", "collection": "trucks"], ["db": "others", "collection": ""], ["cluster": true],
            ["db": "others", "collection": "shipments"],
        ] {
            #expect(Self.missing(resource) == ["insert", "update"])
        }
        // All collections are more than one.
        #expect(Self.missing(["db": "lessons", "collection": "shipments"], nil) == ["insert", "update"])
        #expect(Self.missing(["db": "lessons", "collection": ""], nil) == ["update"])
    }

    @Test func grantsAddUp() {
        let privileges = AccountPrivileges(
            reply: Self.reply([
                ["resource": ["db": "lessons", "collection": ""], "actions": ["find"]],
                ["resource": ["db": "lessons", "collection": "shipments"], "actions": ["insert", "update"]],
            ]))
        #expect(privileges.missing(["find", "insert", "update"], database: "lessons", collection: "shipments").isEmpty)
    }

    @Test func withoutALoginNothingIsKnownToBeMissing() {
        let privileges = AccountPrivileges(reply: ["authInfo": ["authenticatedUsers": [], "authenticatedUserPrivileges": []]])
        #expect(privileges.missing(["find"], database: "lessons", collection: "shipments").isEmpty)
    }
}
