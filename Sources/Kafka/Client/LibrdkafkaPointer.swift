/// The address of an object of librdkafka that any thread may use: a client, a queue, a mock cluster. The owner of the
/// object keeps it, and destroys the object with the last reference to itself, so that a copy of the address is good
/// for as long as its owner is held.
///
/// Safe: rdkafka.h, "librdkafka is completely thread-safe"; the mock cluster's functions hand their work to its own
/// thread (rdkafka_mock.c, ops queue). Objects that belong to one thread (messages, events, lists) are not kept in one
/// of these.
struct LibrdkafkaPointer: @unchecked Sendable {
    let address: OpaquePointer
}
