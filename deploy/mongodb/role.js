// The rights of bridge lessons in MongoDB: what its configuration needs, and nothing else.
// For mongosh, as a user who may create roles and users.
db.getSiblingDB("admin").createRole({
  "role": "bridge.lessons",
  "privileges": [
    // stream inventory: reads its change stream.
    {"resource":{"db":"lessons","collection":"inventory"},"actions":["changeStream","find"]},
    // dispatcher shipments: writes its documents, and looks at their unique index.
    {"resource":{"db":"lessons","collection":"shipments"},"actions":["find","insert","listIndexes","update"]},
    // dispatcher shipments: looks for free resources.
    {"resource":{"db":"lessons","collection":"trucks"},"actions":["find"]},
    // streams: sees how far back a position can be resumed. Can be left out; then there is no warning before a position is lost.
    {"resource":{"db":"local","collection":"oplog.rs"},"actions":["find"]},
    // stream inventory: sees which collections a snapshot copies. Can be left out; then `bridge snapshot start` is refused for it.
    // dispatcher shipments: follows which resources are free. Can be left out; then which resources are free is not followed, but asked for when the hint runs out.
    {"resource":{"db":"lessons","collection":""},"actions":["changeStream","find","listCollections"]}
  ],
  "roles": []
})

// Asks for the password.
db.getSiblingDB("admin").createUser({ "user": "bridge", "pwd": passwordPrompt(), "roles":[{"role":"bridge.lessons","db":"admin"}] })
// A role or a user that is there already is changed by:
//   db.getSiblingDB("admin").updateRole("bridge.lessons", { "privileges": [as above] })
//   db.getSiblingDB("admin").updateUser("bridge", { "roles":[{"role":"bridge.lessons","db":"admin"}] })

// dispatcher shipments: its unique index, made here so that the account needs no right to make it (--with-index gives it the right instead).
// Not needed where lessons.shipments has a unique index on truck_id already.
db.getSiblingDB("lessons").getCollection("shipments").createIndex({"truck_id": 1}, {name: "truck_id_active", unique: true, partialFilterExpression: {status: "active"}})
