/// The stop's grace ended before the work did.
package struct Stopped: Error {
    package init() {}
}
