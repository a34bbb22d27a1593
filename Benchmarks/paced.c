// Inserts documents at a steady rate from one thread, each with the clock of the moment before its insert.
//
//   paced URI DATABASE COLLECTION PER_SECOND DOCUMENTS
//
// Majority writes with a wtimeout. The schedule is fixed beforehand: a slow insert delays the next ones, it does not thin them out.
// Prints one line: seconds, median and 99th percentile of the insert itself in microseconds.
#define _GNU_SOURCE
#include <mongoc/mongoc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t nanoseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int ascending(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: paced URI DATABASE COLLECTION PER_SECOND DOCUMENTS\n");
        return 64;
    }
    int64_t interval = 1000000000 / atoll(argv[4]), documents = atoll(argv[5]);
    int64_t *taken = calloc((size_t)documents, sizeof *taken);
    mongoc_init();
    mongoc_client_t *client = mongoc_client_new(argv[1]);
    mongoc_collection_t *collection = mongoc_client_get_collection(client, argv[2], argv[3]);
    mongoc_write_concern_t *concern = mongoc_write_concern_new();
    mongoc_write_concern_set_wmajority(concern, 5000);
    mongoc_write_concern_set_journal(concern, true);
    mongoc_collection_set_write_concern(collection, concern);
    char note[281];
    memset(note, 'n', sizeof note - 1);
    note[sizeof note - 1] = 0;

    // Connects and finds the primary before the clock starts.
    bson_error_t error;
    bson_t *ping = BCON_NEW("ping", BCON_INT32(1));
    bool reachable = mongoc_client_command_simple(client, argv[2], ping, NULL, NULL, &error);
    int64_t started = nanoseconds(CLOCK_MONOTONIC);
    for (int64_t i = 0; reachable && i < documents; i++) {
        int64_t due = started + i * interval;
        struct timespec at = {due / 1000000000, due % 1000000000};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0) {}
        int64_t before = nanoseconds(CLOCK_MONOTONIC);
        bson_t *document = BCON_NEW("sentNanos", BCON_INT64(nanoseconds(CLOCK_REALTIME)), "type", "bananas", "quantity",
                                    BCON_INT32((int32_t)i), "note", BCON_UTF8(note));
        reachable = mongoc_collection_insert_one(collection, document, NULL, NULL, &error);
        bson_destroy(document);
        taken[i] = nanoseconds(CLOCK_MONOTONIC) - before;
    }
    if (!reachable) {
        fprintf(stderr, "paced: %s\n", error.message);
        return 1;
    }
    double took = (double)(nanoseconds(CLOCK_MONOTONIC) - started) / 1e9;
    qsort(taken, (size_t)documents, sizeof *taken, ascending);
    printf("%.3f %.1f %.1f\n", took, (double)taken[documents / 2] / 1e3, (double)taken[documents * 99 / 100] / 1e3);

    bson_destroy(ping);
    free(taken);
    mongoc_write_concern_destroy(concern);
    mongoc_collection_destroy(collection);
    mongoc_client_destroy(client);
    mongoc_cleanup();
    return 0;
}
