import Foundation

/// Writes a configuration where there is none.
package enum ConfigurationFile {
    package struct Refused: Error, CustomStringConvertible {
        package let description: String
        /// Something has the name already.
        package var isTaken = false

        package static func taken(_ path: String) -> Refused {
            Refused(description: "\(path) exists already, and is not overwritten: name another file with --output", isTaken: true)
        }
    }

    /// Whether something has the name, also a broken link.
    package static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Creates the file, for its owner alone: as a whole, or not at all.
    ///
    /// - Throws: ``Refused``, also where something has the name already.
    package static func create(_ text: String, at path: String) throws(Refused) {
        let draft = "\(path).\(getpid()).draft"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw refusal(path) }
        defer {
            close(descriptor)
            unlink(draft)
        }
        do throws(OutputFailure) {
            try FileOutput(descriptor: descriptor).write(text)
        } catch {
            throw Refused(description: "\(path) cannot be written: \(error)")
        }
        // A link takes no name that is taken.
        guard fsync(descriptor) == 0, link(draft, path) == 0 else { throw refusal(path) }
    }

    private static func refusal(_ path: String) -> Refused {
        errno == EEXIST ? .taken(path) : Refused(description: "\(path) cannot be created: \(String(cString: strerror(errno)))")
    }
}
