// The floor of dispatch: sends ready documents under the unique index, waits for the answers, and does nothing else.
//
//   inserts URI DATABASE COLLECTION DOCUMENTS BULK CONNECTIONS FREE_FROM [BUSY]
//
// Unordered bulks of BULK documents, majority and journaled; each connection is a thread with an equal share of the documents. The
// documents ask for the resources from FREE_FROM on, one each. With BUSY, every second one asks for one of the resources 1 to BUSY
// instead, which have to be taken already: it is refused, and goes again, with a free resource, in the bulk after its own.
// Prints one line: documents, refusals, seconds, CPU seconds.
#define _GNU_SOURCE
#include <mongoc/mongoc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { most_connections = 64 };

typedef struct {
    int64_t from, to, refused;
    pthread_t thread;
} share_t;

static const char *uri, *database, *collection_name;
static int64_t bulk, free_from, busy;
static pthread_barrier_t prepared, finished;

static double seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void fail(const char *message) {
    fprintf(stderr, "inserts: %s\n", message);
    exit(1);
}

// As the bridge would write it. `requested` differs from `resource` in a document that goes again.
static bson_t *shipment(int64_t number, int64_t requested, int64_t resource) {
    char id[32], message[128];
    bool again = requested != resource;
    snprintf(id, sizeof id, "c-%lld", (long long)number);
    if (again)
        snprintf(message, sizeof message, "Truck #%lld is currently performing a shipment. Truck #%lld has been sent out instead.",
                 (long long)requested, (long long)resource);
    else
        snprintf(message, sizeof message, "Truck #%lld has been sent out.", (long long)resource);
    return BCON_NEW("_id", BCON_UTF8(id), "source", "New York", "destination", "Atlanta", "product", "socks", "quantity", BCON_INT32(40),
                    "truck_id", BCON_INT32((int32_t)resource), "requested_truck_id", BCON_INT32((int32_t)requested), "status", "active",
                    "dispatched_at", BCON_DATE_TIME((int64_t)(seconds(CLOCK_REALTIME) * 1000)), "command", "{", "topic",
                    "dispatch.commands", "partition", BCON_INT32((int32_t)(number % 4)), "offset", BCON_INT64(number / 4), "}", "outcome",
                    "{", "status", BCON_UTF8(again ? "reassigned" : "dispatched"), "assigned", BCON_INT32((int32_t)resource), "attempts",
                    BCON_INT32(again ? 2 : 1), "message", BCON_UTF8(message), "}");
}

// Inserts, and keeps those of `again` whose counterparts were refused as duplicates, at its front. Returns how many.
static size_t insert(mongoc_collection_t *collection, const bson_t *options, bson_t **documents, size_t count, bson_t **again) {
    bson_error_t error;
    bson_t reply;
    size_t refused = 0;
    if (!mongoc_collection_insert_many(collection, (const bson_t **)documents, count, options, &reply, &error)) {
        bson_iter_t found, faults, fault;
        if (!again || !bson_iter_init_find(&found, &reply, "writeErrors") || !bson_iter_recurse(&found, &faults)) fail(error.message);
        while (bson_iter_next(&faults)) {
            int64_t index = -1, code = 0;
            bson_iter_recurse(&faults, &fault);
            while (bson_iter_next(&fault)) {
                if (strcmp(bson_iter_key(&fault), "index") == 0) index = bson_iter_as_int64(&fault);
                if (strcmp(bson_iter_key(&fault), "code") == 0) code = bson_iter_as_int64(&fault);
            }
            if (code != 11000 || index < 0 || (size_t)index >= count || !again[index]) fail(error.message);
            again[refused++] = again[index];  // the indexes ascend
        }
        if (refused == 0) fail(error.message);
    }
    bson_destroy(&reply);
    return refused;
}

static void *send_share(void *argument) {
    share_t *share = argument;
    size_t count = (size_t)(share->to - share->from);
    bson_t **documents = calloc(count, sizeof *documents), **again = calloc(count, sizeof *again);
    for (size_t i = 0; i < count; i++) {
        int64_t number = share->from + (int64_t)i, resource = free_from + number;
        bool conflicts = busy > 0 && number % 2 == 1;
        int64_t requested = conflicts ? 1 + number / 2 % busy : resource;
        documents[i] = shipment(number, requested, requested);
        if (conflicts) again[i] = shipment(number, requested, resource);
    }
    bson_error_t error;
    mongoc_client_t *client = mongoc_client_new(uri);
    mongoc_collection_t *collection = mongoc_client_get_collection(client, database, collection_name);
    mongoc_write_concern_t *concern = mongoc_write_concern_new();
    mongoc_write_concern_set_wmajority(concern, 5000);
    mongoc_write_concern_set_journal(concern, true);
    mongoc_collection_set_write_concern(collection, concern);
    bson_t *options = BCON_NEW("ordered", BCON_BOOL(false), "validate", BCON_BOOL(false)), *ping = BCON_NEW("ping", BCON_INT32(1));
    if (!mongoc_client_command_simple(client, database, ping, NULL, NULL, &error)) fail(error.message);

    pthread_barrier_wait(&prepared);
    for (size_t i = 0; i < count; i += (size_t)bulk) {
        size_t size = count - i < (size_t)bulk ? count - i : (size_t)bulk;
        size_t refused = insert(collection, options, documents + i, size, again + i);
        if (refused > 0) insert(collection, options, again + i, refused, NULL);
        share->refused += (int64_t)refused;
    }
    pthread_barrier_wait(&finished);
    // What is left of the documents goes with the process.
    bson_destroy(ping);
    bson_destroy(options);
    mongoc_write_concern_destroy(concern);
    mongoc_collection_destroy(collection);
    mongoc_client_destroy(client);
    return NULL;
}

int main(int argc, char **argv) {
    int64_t documents = argc > 4 ? atoll(argv[4]) : 0, connections = argc > 6 ? atoll(argv[6]) : 0, refused = 0;
    bulk = argc > 5 ? atoll(argv[5]) : 0;
    if (argc < 8 || argc > 9 || documents < 1 || bulk < 1 || connections < 1 || connections > most_connections) {
        fprintf(stderr, "usage: inserts URI DATABASE COLLECTION DOCUMENTS BULK CONNECTIONS FREE_FROM [BUSY]\n");
        return 64;
    }
    uri = argv[1];
    database = argv[2];
    collection_name = argv[3];
    free_from = atoll(argv[7]);
    busy = argc > 8 ? atoll(argv[8]) : 0;
    mongoc_init();
    static share_t shares[most_connections];
    pthread_barrier_init(&prepared, NULL, (unsigned)connections + 1);
    pthread_barrier_init(&finished, NULL, (unsigned)connections + 1);
    for (int64_t i = 0; i < connections; i++) {
        shares[i].from = documents * i / connections;
        shares[i].to = documents * (i + 1) / connections;
        if (pthread_create(&shares[i].thread, NULL, send_share, &shares[i]) != 0) fail("no thread");
    }
    pthread_barrier_wait(&prepared);
    double started = seconds(CLOCK_MONOTONIC), busy_before = seconds(CLOCK_PROCESS_CPUTIME_ID);
    pthread_barrier_wait(&finished);
    double took = seconds(CLOCK_MONOTONIC) - started, cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - busy_before;
    for (int64_t i = 0; i < connections; i++) {
        pthread_join(shares[i].thread, NULL);
        refused += shares[i].refused;
    }
    printf("%lld %lld %.6f %.6f\n", (long long)documents, (long long)refused, took, cpu);
    mongoc_cleanup();
    return 0;
}
