// The floor of the measurement: reads a change stream with raw aggregate and getMore commands, counts, and does nothing else.
//
//   drain URI DATABASE COLLECTION CLUSTER_TIME EVENTS
//
// Prints one line: events, bytes, seconds from the start of the process, seconds from the first batch, CPU seconds, peak kilobytes.
#include <mongoc/mongoc.h>
#include <stdio.h>
#include <stdlib.h>

#include "figures.h"

// Counts the documents of cursor.<name> in a reply, and says which cursor to go on with.
static int64_t count_batch(const bson_t *reply, const char *name, int64_t *bytes, int64_t *cursor_id) {
    bson_iter_t root, iterator, events;
    char path[32];
    int64_t count = 0;
    snprintf(path, sizeof path, "cursor.%s", name);
    if (bson_iter_init(&root, reply) && bson_iter_find_descendant(&root, "cursor.id", &iterator))
        *cursor_id = bson_iter_as_int64(&iterator);
    if (!bson_iter_init(&root, reply) || !bson_iter_find_descendant(&root, path, &iterator)) return 0;
    bson_iter_recurse(&iterator, &events);
    while (bson_iter_next(&events)) {
        const uint8_t *document;
        uint32_t length;
        bson_iter_document(&events, &length, &document);
        *bytes += length;
        count++;
    }
    return count;
}

int main(int argc, char **argv) {
    unsigned time_seconds, increment;
    if (argc != 6 || sscanf(argv[4], "%u.%u", &time_seconds, &increment) != 2) {
        fprintf(stderr, "usage: drain URI DATABASE COLLECTION SECONDS.INCREMENT EVENTS\n");
        return 64;
    }
    double started = seconds(), first = 0;
    int64_t wanted = atoll(argv[5]), count = 0, bytes = 0, cursor_id = 0;
    mongoc_init();
    mongoc_client_t *client = mongoc_client_new(argv[1]);
    bson_error_t error;
    bson_t reply;
    bson_t *command = BCON_NEW("aggregate", argv[3], "pipeline", "[", "{", "$changeStream", "{", "fullDocument", "updateLookup",
                               "startAtOperationTime", BCON_TIMESTAMP(time_seconds, increment), "}", "}", "]", "cursor", "{", "}");
    const char *batch = "firstBatch";
    for (;;) {
        if (!mongoc_client_command_simple(client, argv[2], command, NULL, &reply, &error)) {
            fprintf(stderr, "drain: %s\n", error.message);
            return 1;
        }
        bson_destroy(command);
        count += count_batch(&reply, batch, &bytes, &cursor_id);
        bson_destroy(&reply);
        if (count > 0 && first == 0) first = seconds();
        if (count >= wanted) break;
        command = BCON_NEW("getMore", BCON_INT64(cursor_id), "collection", argv[3], "maxTimeMS", BCON_INT32(1000));
        batch = "nextBatch";
    }
    double ended = seconds();
    double cpu = cpu_seconds();
    printf("%lld %lld %.6f %.6f %.6f %ld\n", (long long)count, (long long)bytes, ended - started, ended - first, cpu, peak_kilobytes());
    mongoc_client_destroy(client);
    mongoc_cleanup();
    return 0;
}
