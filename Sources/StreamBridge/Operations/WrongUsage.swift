/// Something on the command line that only shows when the servers, or the configuration, were looked at: exit status
/// 64.
package struct WrongUsage: Error, Equatable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }

    init(_ option: String, _ complaint: ConfigurationComplaint) {
        self.init("\(option): " + (complaint.found.map { "\($0); " } ?? "") + complaint.remedy)
    }
}
