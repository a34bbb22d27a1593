/// The stop's grace ended before the work did.
package struct StreamStopped: Error {
    package init() {}
}
