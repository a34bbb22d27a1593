import Foundation

/// A file with a secret in it.
enum SecretFile {
    /// What is wrong with who may read it; nil when it is well, and for what is no file.
    ///
    /// Its group may read it: that is how containers get secrets.
    static func exposure(of path: String) -> String? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_mode & S_IROTH != 0 else { return nil }
        let digits = String(status.st_mode & 0o7777, radix: 8)
        return "every user of this host may read the secret in \(path), which has mode 0\(digits): chmod 600 \(path)"
    }
}
