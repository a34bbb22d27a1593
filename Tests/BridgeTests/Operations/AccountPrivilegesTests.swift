import Mongo
import Testing

@testable import StreamBridge

@Suite struct AccountPrivilegesTests {
    private static func reply(_ privileges: [BSONValue]) -> BSONDocument {
        ["authInfo": ["authenticatedUsers": [["user": "bridge", "db": "admin"]], "authenticatedUserPrivileges": .array(privileges)]]
    }

    private static let shipments = PrivilegeResource.collection(Namespace(database: "lessons", collection: "shipments"))

    private static func missing(_ resource: BSONValue, on wanted: PrivilegeResource = shipments) -> [String] {
        AccountPrivileges(reply: reply([["resource": resource, "actions": ["find", "insert"]]])).missing(["insert", "update"], on: wanted)
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
        #expect(Self.missing(["db": "lessons", "collection": "shipments"], on: .database("lessons")) == ["insert", "update"])
        #expect(Self.missing(["db": "lessons", "collection": ""], on: .database("lessons")) == ["update"])
        #expect(Self.missing(["db": "lessons", "collection": ""], on: .everything) == ["insert", "update"])
        #expect(Self.missing(["db": "", "collection": ""], on: .everything) == ["update"])
    }

    @Test func aRoleOverAllDatabasesDoesNotOpenTheServersOwn() {
        let oplog = PrivilegeResource.collection(Namespace(database: "local", collection: "oplog.rs"))
        #expect(Self.missing(["db": "", "collection": ""], on: oplog) == ["insert", "update"])
        #expect(Self.missing(["db": "local", "collection": ""], on: oplog) == ["update"])
        #expect(Self.missing(["anyResource": true], on: oplog) == ["update"])
    }

    @Test func grantsAddUp() {
        let privileges = AccountPrivileges(
            reply: Self.reply([
                ["resource": ["db": "lessons", "collection": ""], "actions": ["find"]],
                ["resource": ["db": "lessons", "collection": "shipments"], "actions": ["insert", "update"]],
            ]))
        #expect(privileges.missing(["find", "insert", "update"], on: Self.shipments).isEmpty)
    }

    @Test func withoutALoginNothingIsKnownToBeMissing() {
        let privileges = AccountPrivileges(reply: ["authInfo": ["authenticatedUsers": [], "authenticatedUserPrivileges": []]])
        #expect(privileges.missing(["find"], on: Self.shipments).isEmpty)
    }

    // MARK: Too much

    private static let needs = PrivilegeNeeds.of(SampleConfiguration.make(), makesIndexes: true)

    private static func excess(_ privileges: [BSONValue], roles: [String] = []) -> [String] {
        let roles = roles.map { BSONValue.document(["role": .string($0), "db": "admin"]) }
        return AccountPrivileges(
            reply: [
                "authInfo": [
                    "authenticatedUsers": [["user": "bridge", "db": "admin"]], "authenticatedUserRoles": .array(roles),
                    "authenticatedUserPrivileges": .array(privileges),
                ]
            ]
        ).excess(over: needs)
    }

    @Test func whatIsPrintedIsNotTooMuch() {
        #expect(Self.excess(Self.needs.privileges.map { .document($0.document) }, roles: ["bridge.lessons"]).isEmpty)
        #expect(
            Self.excess([["resource": ["db": "lessons", "collection": ""], "actions": ["find", "changeStream", "listIndexes"]]]).isEmpty)
    }

    @Test func whatCouldDoHarmIsTooMuch() {
        #expect(Self.excess([], roles: ["root"]) == ["it has the role root@admin"])
        #expect(Self.excess([["resource": ["cluster": true], "actions": ["anyAction"]]]).isEmpty)
        #expect(Self.excess([["resource": ["anyResource": true], "actions": ["anyAction"]]]) == ["anyAction", "rights on anyResource"])
        #expect(
            Self.excess([["resource": ["db": "other", "collection": ""], "actions": ["createUser", "grantRole"]]])
                == ["it may administer users (createUser, grantRole)"])
        #expect(
            Self.excess([["resource": ["db": "lessons", "collection": "inventory"], "actions": ["find", "remove", "insert"]]])
                == ["insert, remove on lessons.inventory, which the bridge only reads"])
        #expect(
            Self.excess([["resource": ["db": "lessons", "collection": "shipments"], "actions": ["insert", "remove", "createIndex"]]])
                == ["remove on lessons.shipments, which the bridge never uses"])
    }
}
