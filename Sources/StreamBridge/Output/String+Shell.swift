extension String {
    /// The text as one word of a POSIX shell.
    var shellQuoted: String { "'\(replacing("'", with: "'\\''"))'" }
}
