/// Why a text is not the value that was wanted. The reader that knows the place turns it into a ``ConfigurationFault``.
struct ConfigurationComplaint: Error, Equatable {
    /// What was found, when quoting the whole text would say too little or too much.
    var found: String?
    /// What is allowed, or how to fix it.
    var remedy: String

    init(_ remedy: String, found: String? = nil) {
        self.found = found
        self.remedy = remedy
    }
}
