// Sends commands at a steady rate from one thread, each named after the clock of the moment before it is handed to the producer.
//
//   commands BOOTSTRAP TOPIC FIRST_TRUCK PER_SECOND COMMANDS
//
// One truck each, from FIRST_TRUCK on. The schedule is fixed beforehand, as in paced.c. The id stands after a space and not at the front, so
// that {"id":"sent- with a time behind it can only come from the outcome of a command (mockcluster.c looks for it).
// Prints one line: seconds, median and 99th percentile of the time until the broker's acknowledgement in microseconds.
#define _GNU_SOURCE
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t *taken, acknowledged;
static atomic_bool sending = true;

static int64_t nanoseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int ascending(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static void delivered(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque) {
    (void)producer, (void)opaque;
    if (message->err) {
        fprintf(stderr, "commands: %s\n", rd_kafka_err2str(message->err));
        exit(1);
    }
    taken[acknowledged++] = rd_kafka_message_latency(message);
}

// The latency of a message counts to the moment of its report, so somebody has to wait for the reports.
static void *take_reports(void *producer) {
    while (atomic_load(&sending)) rd_kafka_poll(producer, 10);
    return NULL;
}

static void set(rd_kafka_conf_t *configuration, const char *name, const char *value) {
    char text[512];
    if (rd_kafka_conf_set(configuration, name, value, text, sizeof text) == RD_KAFKA_CONF_OK) return;
    fprintf(stderr, "commands: %s\n", text);
    exit(1);
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: commands BOOTSTRAP TOPIC FIRST_TRUCK PER_SECOND COMMANDS\n");
        return 64;
    }
    const char *topic = argv[2];
    int64_t truck = atoll(argv[3]), interval = 1000000000 / atoll(argv[4]), commands = atoll(argv[5]);
    taken = calloc((size_t)commands, sizeof *taken);
    char text[512];
    rd_kafka_conf_t *configuration = rd_kafka_conf_new();
    set(configuration, "bootstrap.servers", argv[1]);
    set(configuration, "linger.ms", "0");
    set(configuration, "socket.nagle.disable", "true");
    rd_kafka_conf_set_dr_msg_cb(configuration, delivered);
    rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, text, sizeof text);
    const struct rd_kafka_metadata *metadata;
    if (!producer || !taken) {
        fprintf(stderr, "commands: %s\n", producer ? "no memory" : text);
        return 1;
    }
    // Connects and learns the partitions before the clock starts.
    rd_kafka_topic_t *handle = rd_kafka_topic_new(producer, topic, NULL);
    rd_kafka_resp_err_t code = rd_kafka_metadata(producer, 0, handle, &metadata, 10000);
    if (!code) rd_kafka_metadata_destroy(metadata);
    pthread_t reports;
    if (pthread_create(&reports, NULL, take_reports, producer) != 0) return 1;

    int64_t started = nanoseconds(CLOCK_MONOTONIC);
    for (int64_t i = 0; !code && i < commands; i++, truck++) {
        int64_t due = started + i * interval;
        struct timespec at = {due / 1000000000, due % 1000000000};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0) {}
        char key[32], command[256];
        int key_length = snprintf(key, sizeof key, "%" PRId64, truck);
        int length = snprintf(command, sizeof command,
                              "{\"truck_id\":%" PRId64 ",\"source\":\"New York\",\"destination\":\"Atlanta\",\"product\":\"socks\","
                              "\"quantity\":40,\"id\": \"sent-%" PRId64 "\"}",
                              truck, nanoseconds(CLOCK_REALTIME));
        code = rd_kafka_producev(producer, RD_KAFKA_V_RKT(handle), RD_KAFKA_V_KEY(key, (size_t)key_length),
                                 RD_KAFKA_V_VALUE(command, (size_t)length), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    }
    atomic_store(&sending, false);
    pthread_join(reports, NULL);
    if (!code) code = rd_kafka_flush(producer, 10000);
    if (code || acknowledged != commands) {
        fprintf(stderr, "commands: %s\n", rd_kafka_err2str(code));
        return 1;
    }
    double took = (double)(nanoseconds(CLOCK_MONOTONIC) - started) / 1e9;
    qsort(taken, (size_t)commands, sizeof *taken, ascending);
    printf("%.3f %" PRId64 " %" PRId64 "\n", took, taken[commands / 2], taken[commands * 99 / 100]);
    rd_kafka_topic_destroy(handle);
    rd_kafka_destroy(producer);
    free(taken);
    return 0;
}
