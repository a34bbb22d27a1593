// The floor of the measurement of snapshots: reads a collection by `_id` with find and getMore commands, counts, and does nothing else.
//
//   copy URI DATABASE COLLECTION
//
// Prints one line: documents, bytes, seconds from the start of the process, CPU seconds, peak kilobytes.
#include <mongoc/mongoc.h>
#include <stdio.h>
#include <stdlib.h>

#include "figures.h"

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: copy URI DATABASE COLLECTION\n");
        return 64;
    }
    double started = seconds();
    int64_t count = 0, bytes = 0, cursor = 0;
    mongoc_init();
    mongoc_client_t *client = mongoc_client_new(argv[1]);
    bson_error_t error;
    bson_t reply;
    bson_t *command = BCON_NEW("find", argv[3], "hint", "{", "_id", BCON_INT32(1), "}", "batchSize", BCON_INT32(1750));
    const char *batch = "cursor.firstBatch";
    do {
        bson_iter_t root, iterator, documents;
        if (!mongoc_client_command_simple(client, argv[2], command, NULL, &reply, &error)) {
            fprintf(stderr, "copy: %s\n", error.message);
            return 1;
        }
        bson_destroy(command);
        if (bson_iter_init(&root, &reply) && bson_iter_find_descendant(&root, "cursor.id", &iterator)) cursor = bson_iter_as_int64(&iterator);
        if (bson_iter_init(&root, &reply) && bson_iter_find_descendant(&root, batch, &iterator)) {
            bson_iter_recurse(&iterator, &documents);
            while (bson_iter_next(&documents)) {
                const uint8_t *document;
                uint32_t length;
                bson_iter_document(&documents, &length, &document);
                bytes += length;
                count++;
            }
        }
        bson_destroy(&reply);
        command = BCON_NEW("getMore", BCON_INT64(cursor), "collection", argv[3], "batchSize", BCON_INT32(1750));
        batch = "cursor.nextBatch";
    } while (cursor != 0);
    bson_destroy(command);
    double ended = seconds();
    double cpu = cpu_seconds();
    printf("%lld %lld %.6f %.6f %ld\n", (long long)count, (long long)bytes, ended - started, cpu, peak_kilobytes());
    mongoc_client_destroy(client);
    mongoc_cleanup();
    return 0;
}
