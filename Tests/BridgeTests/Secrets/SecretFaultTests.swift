import Foundation
import Testing

@testable import StreamBridge

/// Passwords of any characters, wherever a configuration may have them: in no fault, no warning and no effective
/// configuration.
@Suite struct SecretFaultTests {
    /// Where a secret is in a file, as people write it: in quotes, plain, in braces; as it is or percent-encoded.
    private static func texts(_ secret: String) -> [String] {
        let encoded = SecretText.percentEncoded(secret)
        let uris = [secret, encoded].flatMap { form in
            ["mongodb", "mongodb+srv"].flatMap { scheme in
                ["u:\(form)@h.example.net", "u:\(form)@h.example.net/?replicaSet=rs0", "u%3A\(form)@h.example.net/db", ":\(form)@h"].map {
                    "\(scheme)://\($0)"
                }
            } + [
                "mongodb://h.example.net/?tls=true&tlsCertificateKeyFilePassword=\(form)&appName=shop",
                "mongodb://u:p@h.example.net/?authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN:\(form)",
                "mongo://u:\(form)@h", "mongodb:/u:\(form)@h", "u:\(form)@h", "mongodb://u:\(form)@h:port/", "mongodb://u:\(form)@",
            ]
        }
        let properties = [
            "sasl.password", "ssl.key.password", "ssl.keystore.password", "sasl.jaas.config", "sasl.oauthbearer.client.secret",
            "sasl.oauthbearer.config", "sasl.pwd", "sasl.passwrd", "ssl.key.pem",
        ]
        func written(_ text: String) -> [String] { [text.jsonQuoted, text, "'\(text.replacing("'", with: "''"))'"] }
        func file(mongodb: String = "{uri: \"mongodb://h/\"}", kafka: String = "{bootstrap.servers: \"h:1\"}", top: String = "") -> String {
            "name: a\nmongodb: \(mongodb)\nkafka: \(kafka)\nstreams: [{name: b, watch: c}]\n\(top)"
        }
        var texts: [String] = []
        for uri in uris {
            for text in written(uri) {
                texts.append(file(mongodb: "\n  uri: \(text)"))
                texts.append(file(mongodb: "{uri: \(text)}"))
                texts.append(file(mongodb: text))
                texts.append(file(kafka: "{bootstrap.servers: \(text)}"))
            }
        }
        for text in written(secret) {
            for property in properties {
                texts.append(file(kafka: "\n  bootstrap.servers: h:1\n  \(property): \(text)"))
                texts.append(file(kafka: "{bootstrap.servers: \"h:1\", \(property): \(text)}"))
            }
            texts += ["http: \(text)", "http: {listen: \"127.0.0.1:1\", token: \(text)}", "http:\n  token: \(text)", "http: [\(text)]"].map
            {
                file(top: $0)
            }
            texts.append(file(kafka: text))
            texts.append(file(kafka: "{bootstrap.servers: \"SASL_SSL://u:\(secret.jsonQuoted.dropFirst().dropLast())@h:1\"}"))
        }
        return texts
    }

    /// Everything that a command prints of a configuration.
    private static func shown(_ yaml: String) -> String {
        do throws(ConfigurationFaults) {
            let loaded = try ConfigurationText.load(yaml, checks: .drivers)
            let renderings = EffectiveConfiguration.Format.allCases.map { EffectiveConfiguration.render(loaded.configuration, format: $0) }
            return (loaded.warnings.map(\.description) + renderings).joined(separator: "\n")
        } catch {
            return error.description
        }
    }

    @Test(arguments: 0..<20)
    func noFourCharactersOfASecretAreShown(seed: Int) {
        var random = ConfigurationText.Random(seed: UInt64(seed) + 100)
        let secret = SecretText.password(using: &random)
        for text in Self.texts(secret) {
            let shown = Self.shown(text)
            #expect(!shown.isEmpty)
            if let leak = SecretText.leak(of: secret, in: shown) { Issue.record("`\(leak)` of `\(secret)` from\n\(text)\nis in\n\(shown)") }
        }
    }

    /// Each once leaked.
    @Test(arguments: [
        "mongodb://u:Sup3rSecret?x@host/", "mongodb://u:Sup3rSecret/x@host/", "mongodb://u:12345?a=x@h", "mongodb://u:Sup3r/?Secret=x@h",
        "mongodb://u:\u{301}Sup3rSecret@h:port", "mongodb://u:Sup3rSecret", "mongodb+srv://u:Sup3rSecret,h@x:1/",
        "mongodb://h/?tlsCertificateKeyFilePassword=Sup3r&Secret&tls=true", "mongodb://u:Sup3r@Secret@h:port",
    ])
    func aPasswordThatWasNotEncodedIsNotQuoted(uri: String) {
        let yaml = ConfigurationText.minimal().replacing("mongodb://127.0.0.1/?replicaSet=rs0", with: uri.jsonQuoted)
        let shown = Self.shown(yaml)
        for part in ["Sup3r", "Secret", "12345"] { #expect(!shown.contains(part), "\(shown)") }
        #expect(shown.contains("mongodb.uri: "), "\(shown)")
    }

    @Test func theFaultSaysWhatToEncode() {
        let yaml = ConfigurationText.minimal().replacing("mongodb://127.0.0.1/?replicaSet=rs0", with: "\"mongodb://u:Sup3rSecret?x@host/\"")
        #expect(
            Self.shown(yaml)
                == "bridge.yaml:3:8: mongodb.uri: found `mongodb://u:***@host/`; percent-encode the characters @ : / ? # [ ] % & of user, password and options: @ is %40, / is %2F"
        )
    }

    /// What is wrong elsewhere is still told in the driver's words.
    @Test(arguments: [
        ("mongodb://u:p%40w@h/?tsl=true", "Unsupported URI option \"tsl\""),
        ("mongodb://u:p%40w@h,i/?directConnection=true", "directConnection"),
        ("mongodb+srv://u:p%40w@h:1/", "without a port"), ("mongodb://u:p%40w@h:port/", "`h:***` is no host:port"),
    ])
    func theDriverIsQuotedAboutTheRest(uri: String, words: String) {
        let shown = Self.shown(ConfigurationText.minimal().replacing("mongodb://127.0.0.1/?replicaSet=rs0", with: uri.jsonQuoted))
        #expect(shown.contains(words), "\(shown)")
        #expect(!shown.contains("p%40w"))
    }
}
