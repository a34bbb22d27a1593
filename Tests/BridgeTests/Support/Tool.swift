import Foundation
import Runtime

/// Programs of the machine, found on `PATH`.
enum Tool {
    static func isInstalled(_ name: String) -> Bool {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(name)")
        }
    }

    /// Runs a program to its end; the output is what it wrote to standard output and error.
    static func run(_ name: String, _ arguments: [String], in folder: URL? = nil) throws -> (status: Int32, output: String) {
        let command = (folder.map { ["--chdir=\($0.path)"] } ?? []) + [name] + arguments
        let process = try ChildProcess("env", command, output: .pipe, errors: nil)
        return try finish(process)
    }

    /// Reads what a program writes to its end.
    static func finish(_ process: ChildProcess) throws -> (status: Int32, output: String) {
        let text = process.output?.readDataToEndOfFile() ?? Data()
        switch process.wait() {
        case .status(let status): return (status, String(decoding: text, as: UTF8.self))
        case .signal(let signal): return (-signal, String(decoding: text, as: UTF8.self))
        }
    }
}
