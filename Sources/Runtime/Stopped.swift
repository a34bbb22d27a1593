/// A stop came, and its grace ended before the work did.
package struct Stopped: Error, CustomStringConvertible {
    package init() {}

    package var description: String { "stopped before the end" }
}
