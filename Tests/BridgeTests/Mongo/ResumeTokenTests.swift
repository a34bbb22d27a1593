import Testing

@testable import Mongo

@Suite struct ResumeTokenTests {
    private static let data = "826B0AF5ED000000082B022C0100296E5A1004508B8D2174F34BCCB2B2D704DC6E0841461E5F6964002B03800000000000000004"

    @Test func aTokenWithTypeBitsIsOneTextAndComesBackFromIt() {
        let token = ResumeToken(document: ["_data": .string(Self.data), "_typeBits": .binary(subtype: 0, bytes: [0x82, 0xC0, 0x3E])])
        #expect(token.text == "\(Self.data):82C03E")
        #expect(ResumeToken(text: "\(Self.data):82C03E") == token)
        #expect(ResumeToken(text: "\(Self.data):82c03e") == token)
        #expect(token.data == Self.data)
        #expect(ResumeToken.data(ofText: "\(Self.data):82C03E") == Self.data)
    }

    @Test func aTokenWithoutTypeBitsIsItsData() {
        let token = ResumeToken(text: Self.data)
        #expect(token == ResumeToken(data: Self.data))
        #expect(token.text == Self.data)
        #expect(ResumeToken.data(ofText: Self.data) == Self.data)
    }

    /// The server refuses it, with a sentence of its own.
    @Test(arguments: [":", "82:", "82:4", "82:zz", ":40", "82:40:40", "82:４０"])
    func whatIsNoTokenIsItsData(_ text: String) {
        #expect(ResumeToken(text: text).document == ["_data": .string(text)])
        #expect(ResumeToken(document: ["n": 1]).text == nil)
    }
}
