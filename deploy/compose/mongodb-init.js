// Initiates the replica set of compose.yaml and makes its two accounts: root, and the bridge's with the rights of role.js. For mongosh; a second
// run changes nothing.
const fs = require("fs");
const secret = (name) => fs.readFileSync(`/run/secrets/${name}`, "utf8").trim();

const admin = connect("mongodb://127.0.0.1/?directConnection=true").getSiblingDB("admin");

function waitForPrimary() {
  while (!admin.hello().isWritablePrimary) sleep(100);
}

try {
  admin.auth("root", secret("mongodb_root_password"));
} catch (unknown) {
  // Without any account the server lets this machine make the first one.
  try {
    admin.runCommand({ replSetInitiate: { _id: "rs0", members: [{ _id: 0, host: "mongodb:27017" }] } });
  } catch (error) {
    if (error.codeName !== "AlreadyInitialized") throw error;
  }
  waitForPrimary();
  admin.createUser({ user: "root", pwd: secret("mongodb_root_password"), roles: ["root"] });
  admin.auth("root", secret("mongodb_root_password"));
}
waitForPrimary();

if (admin.getUser("bridge") === null) {
  // role.js asks a person for the password.
  const commands = fs.readFileSync("/role.js", "utf8").replace("passwordPrompt()", JSON.stringify(secret("mongodb_password")));
  fs.writeFileSync("/tmp/role.js", commands, { mode: 0o600 });
  db = admin;
  load("/tmp/role.js");
}
