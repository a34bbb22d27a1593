/// Collections that MongoDB makes for itself while a command runs, and renames at its end (6.0: `$out`, `mapReduce`,
/// `renameCollection` from another database, `convertToCapped`).
enum TemporaryCollection {
    /// Whether a collection's name is one of those.
    ///
    /// Source: the server's document_source_out.cpp, map_reduce_agg.cpp, rename_collection.cpp and capped_utils.cpp,
    /// where each `%` of a pattern such as `tmp%%%%%.renameCollection` stands for a letter or a digit.
    static func isName(_ collection: [UInt8]) -> Bool {
        if collection.starts(with: "tmp.agg_out.".utf8) || collection.starts(with: "tmp.mr.".utf8) { return true }
        guard collection.starts(with: "tmp".utf8) else { return false }
        let code = collection.dropFirst(3).prefix(5)
        let rest = collection.dropFirst(8)
        guard code.count == 5, code.allSatisfy(isLetterOrDigit) else { return false }
        return rest.elementsEqual(".renameCollection".utf8) || rest.starts(with: ".convertToCapped.".utf8)
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
        default: false
        }
    }
}
