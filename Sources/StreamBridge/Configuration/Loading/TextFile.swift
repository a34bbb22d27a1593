import Foundation

/// Reads whole text files, pipes included, and says plainly why it could not.
enum TextFile {
    /// Why a file could not be read, in the words of the operating system where it has some.
    struct Failure: Error, Equatable, CustomStringConvertible {
        var description: String
        /// Whether there is no such file.
        var isMissing = false
    }

    /// The file's content, which has to be UTF-8 of at most `limit` bytes.
    static func content(of path: String, limit: Int = 8 << 20) throws(Failure) -> String {
        guard let file = fopen(path, "rb") else {
            let code = errno
            throw Failure(description: String(cString: strerror(code)), isMissing: code == ENOENT)
        }
        defer { fclose(file) }
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            content += chunk[..<count]
            guard content.count <= limit else { throw Failure(description: "larger than \(limit) bytes") }
            if count < chunk.count {
                let code = errno
                if ferror(file) != 0 { throw Failure(description: String(cString: strerror(code))) }
                break
            }
        }
        guard let text = String(validating: content, as: UTF8.self) else { throw Failure(description: "not UTF-8 text") }
        return text
    }
}
