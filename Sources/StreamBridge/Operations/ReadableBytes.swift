import Mongo

extension [UInt8] {
    /// For people: text as it is; BSON as Extended JSON; anything else as hexadecimal digits.
    var readable: String {
        if let text = String(validating: self, as: UTF8.self),
            !text.unicodeScalars.contains(where: { $0.value < 32 && $0 != "\n" && $0 != "\t" })
        {
            return text
        }
        if let document = try? withUnsafeBytes({ try BSONDocument(copying: $0) }), let json = try? document.extendedJSON(.relaxed) {
            return json
        }
        return "0x" + map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
