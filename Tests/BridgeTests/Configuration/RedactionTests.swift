import Testing

@testable import StreamBridge

@Suite struct RedactionTests {
    @Test(arguments: [
        ("mongodb://127.0.0.1:27017/?replicaSet=rs0", "mongodb://127.0.0.1:27017/?replicaSet=rs0"),
        ("mongodb://user:secret@h:1,h2:2/db?x=1", "mongodb://user:***@h:1,h2:2/db?x=1"),
        ("mongodb+srv://user:secret@cluster.example.net", "mongodb+srv://user:***@cluster.example.net"),
        ("mongodb://user@h", "mongodb://user@h"),
        ("mongodb://h:27017/?appName=a@b", "mongodb://h:27017/?appName=a@b"),
        ("mongodb://u:secret@h/?appName=a@b", "mongodb://u:***@h/?appName=a@b"),
        ("mongodb://u:se@cret@h", "mongodb://u:***@h"),
        ("mongodb://u:se/cret@h", "mongodb://u:***@h"),
        ("mongodb://u:12/secret@h", "mongodb://u:***@h"),
        ("mongodb://u:12/se?cret@h", "mongodb://u:***@h"),
        ("mongodb://u:se?cret@h", "mongodb://u:***@h"),
        ("mongodb://u:se#cret@h", "mongodb://u:***@h"),
        ("mongodb://u:se:cret@h", "mongodb://u:***@h"),
        ("mongodb://u:s@e/c?r@h", "mongodb://u:***@h"),
        ("mongodb://u%3Asecret@h", "mongodb://u%3A***@h"),
        ("mongo://u:secret@h", "mongo://u:***@h"),
        ("mongodb:/u:secret@h", "mongodb:***@h"),
        ("mongodb//u:secret@h", "mongodb//u:***@h"),
        ("u:secret@h", "u:***@h"),
        ("u:se://cret@h", "u:***@h"),
        ("mongodb://:secret@h", "mongodb://:***@h"),
        ("mongodb://u:@h", "mongodb://u:***@h"),
        ("", ""), ("@", "@"), (":", ":"), ("://", "://"), (":@", ":***@"),
        (
            "mongodb://k:secret@h/?authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN:secret%2Fx==,A:b&w=1",
            "mongodb://k:***@h/?authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN:***&w=1"
        ),
        (
            "mongodb://h/?authMechanismProperties=A:b,aws_session_token%3Asecret",
            "mongodb://h/?authMechanismProperties=A:b,aws_session_token%3A***"
        ),
        ("mongodb://h/?tlsCertificateKeyFilePassword=secret&tls=true", "mongodb://h/?tlsCertificateKeyFilePassword=***&tls=true"),
    ])
    func uriIsPrintedWithoutItsSecrets(uri: String, shown: String) {
        #expect(ConnectionURI.redacted(uri) == shown)
    }

    @Test func everyMalformedURIHidesItsPassword() {
        var random = ConfigurationText.Random(seed: 11)
        let noise = Array("@:/?#%&=,;[] \u{301}$é")
        for _ in 0..<5000 {
            var password = Array("hunter2")
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                password.insert(
                    noise[Int.random(in: 0..<noise.count, using: &random)], at: Int.random(in: 0...password.count, using: &random))
            }
            // The longest run of letters that is left is what would be recognised.
            let scheme = ["mongodb://", "mongodb+srv://", "mongo://", "mongodb:/", ""].randomElement(using: &random) ?? ""
            let uri = "\(scheme)user:q\(String(password))q@db1.example.net/test?w=1"
            let shown = ConnectionURI.redacted(uri)
            #expect(!shown.contains("q@") && shown.hasSuffix("@db1.example.net/test?w=1"), "\(uri) -> \(shown)")
        }
    }

    @Test func effectiveConfigurationHidesEverySecret() throws {
        let text = """
            name: lessons
            mongodb: {uri: "mongodb://u:hunter2@h/?authMechanismProperties=AWS_SESSION_TOKEN:hunter2"}
            kafka:
              bootstrap.servers: h:1
              sasl.username: bridge
              sasl.password: hunter2
              ssl.key.pem: hunter2
              ssl.key.password: hunter2
              ssl.keystore.password: hunter2
              sasl.oauthbearer.client.secret: hunter2
              sasl.oauthbearer.config: hunter2
              sasl.oauthbearer.token.endpoint.url: https://login.example.net
              producer: {sasl.jaas.config: hunter2}
              consumer: {sasl.password: hunter2}
            streams: [{name: a, watch: b}]
            http: {token: hunter2-hunter2-hunter2, listen: "0.0.0.0:8080"}
            """
        let configuration = try ConfigurationText.load(text).configuration
        for format in EffectiveConfiguration.Format.allCases {
            let shown = EffectiveConfiguration.render(configuration, format: format)
            #expect(!shown.contains("hunter2"))
            #expect(shown.contains("bridge") && shown.contains("https://login.example.net"))
        }
    }

    @Test func driversMessageLosesThePassword() {
        let faults = ConfigurationText.faults(
            ConfigurationText.minimal().replacing("mongodb://127.0.0.1/", with: "mongodb://u:hunter2@127.0.0.1/"),
            // As the driver, it quotes what it is given.
            checks: ConfigurationChecks(uri: { "Invalid host specifier in \"\($0)\"" }))
        #expect(faults.count == 1)
        #expect(
            faults.first?.hasPrefix("bridge.yaml:3:8: mongodb.uri: the driver refuses `mongodb://u:***@127.0.0.1/?replicaSet=rs0`; ")
                == true, "\(faults)")
        #expect(faults.first?.contains("hunter2") == false)
    }
}
