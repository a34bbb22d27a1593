// librdkafka's mock cluster in a process of its own, so that its work is not counted as the work of what is measured.
//
// Prints "bootstrap <host:port>", then reads commands from standard input and answers each with one line:
//   topic <name> <partitions>   creates a topic: "ok"
//   watch [<marker>]            forgets the arrivals so far: "ok". From now on a record counts that has the marker, followed by a time in
//                               nanoseconds since 1970; without one the marker is "sentNanos":
//   arrivals                    "<count> <first> <last> <median> <p99> <max>": when the first and the last of them reached the broker
//                               (nanoseconds since 1970), and how long after the time in them (microseconds)
// It ends at the end of its input, so it cannot outlive the program that started it.
//
// Why the arrivals are taken from the broker's socket: the mock answers a fetch that finds nothing only after its whole maximum wait, so a
// consumer cannot tell when a record arrived to better than that wait. The records have to be uncompressed.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { most_arrivals = 1000000, most_sockets = 1024, tail_length = 64 };
static const char usual_marker[] = "\"sentNanos\":";

static struct {
    pthread_mutex_t lock;
    size_t count;
    int64_t first, last;
    int64_t *delays;
    char marker[32];
} arrivals = {.lock = PTHREAD_MUTEX_INITIALIZER};

// The end of what a socket delivered last: a marker may be split over two reads. Only the cluster's thread touches these.
static struct {
    size_t length;
    char bytes[tail_length];
} tails[most_sockets];

static atomic_bool watching;

static void note_arrival(int64_t now, int64_t sent) {
    pthread_mutex_lock(&arrivals.lock);
    if (arrivals.count == 0) arrivals.first = now;
    arrivals.last = now;
    if (arrivals.count < most_arrivals) arrivals.delays[arrivals.count++] = now - sent;
    pthread_mutex_unlock(&arrivals.lock);
}

// Finds every complete marker with its number, and keeps the rest for the next read. A number is complete once another byte follows it.
static void scan(int socket, const struct msghdr *message, size_t received) {
    if (socket < 0 || socket >= most_sockets) return;
    struct timespec clock;
    clock_gettime(CLOCK_REALTIME, &clock);
    int64_t now = (int64_t)clock.tv_sec * 1000000000 + clock.tv_nsec;
    char marker[sizeof arrivals.marker];
    pthread_mutex_lock(&arrivals.lock);
    memcpy(marker, arrivals.marker, sizeof marker);
    pthread_mutex_unlock(&arrivals.lock);
    size_t marker_length = strlen(marker);
    char *text = malloc(tails[socket].length + received + 1);
    if (!text) abort();
    size_t length = tails[socket].length;
    memcpy(text, tails[socket].bytes, length);
    for (size_t i = 0; i < message->msg_iovlen && received > 0; i++) {
        size_t part = message->msg_iov[i].iov_len < received ? message->msg_iov[i].iov_len : received;
        memcpy(text + length, message->msg_iov[i].iov_base, part);
        length += part;
        received -= part;
    }
    text[length] = 0;
    char *from = text, *end = text + length, *found;
    while ((found = memmem(from, (size_t)(end - from), marker, marker_length))) {
        char *after;
        int64_t sent = strtoll(found + marker_length, &after, 10);
        if (after == end) break;
        note_arrival(now, sent);
        from = after;
    }
    char *keep = found ? found : end - from > tail_length ? end - tail_length : from;
    tails[socket].length = (size_t)(end - keep) > tail_length ? 0 : (size_t)(end - keep);
    memcpy(tails[socket].bytes, keep, tails[socket].length);
    free(text);
}

// Stands before the C library's, for librdkafka too: the executable's symbols come first.
ssize_t recvmsg(int socket, struct msghdr *message, int flags) {
    static ssize_t (*next)(int, struct msghdr *, int);
    if (!next) *(void **)&next = dlsym(RTLD_NEXT, "recvmsg");
    ssize_t received = next(socket, message, flags);
    if (received > 0 && atomic_load(&watching)) scan(socket, message, (size_t)received);
    if (received <= 0 && socket >= 0 && socket < most_sockets) tails[socket].length = 0;
    return received;
}

// A Kafka broker answers without Nagle's algorithm. The mock does not, so that an answer can wait 40 ms for the client's delayed
// acknowledgement of the answer before it, while the client, with all its requests in flight, sends nothing that would carry one.
int accept(int socket, struct sockaddr *address, socklen_t *length) {
    static int (*next)(int, struct sockaddr *, socklen_t *);
    if (!next) *(void **)&next = dlsym(RTLD_NEXT, "accept");
    int connection = next(socket, address, length), on = 1;
    if (connection >= 0) setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return connection;
}

static int ascending(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static void print_arrivals(void) {
    pthread_mutex_lock(&arrivals.lock);
    size_t count = arrivals.count;
    double median = 0, p99 = 0, most = 0;
    if (count > 0) {
        qsort(arrivals.delays, count, sizeof *arrivals.delays, ascending);
        median = (double)arrivals.delays[count / 2] / 1e3;
        p99 = (double)arrivals.delays[count * 99 / 100] / 1e3;
        most = (double)arrivals.delays[count - 1] / 1e3;
    }
    printf("%zu %lld %lld %.1f %.1f %.1f\n", count, (long long)arrivals.first, (long long)arrivals.last, median, p99, most);
    pthread_mutex_unlock(&arrivals.lock);
}

int main(void) {
    char text[512];
    rd_kafka_conf_t *configuration = rd_kafka_conf_new();
    rd_kafka_conf_set(configuration, "log_level", "3", text, sizeof text);
    rd_kafka_t *handle = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, text, sizeof text);
    rd_kafka_mock_cluster_t *cluster = handle ? rd_kafka_mock_cluster_new(handle, 1) : NULL;
    arrivals.delays = malloc(most_arrivals * sizeof *arrivals.delays);
    if (!cluster || !arrivals.delays) {
        fprintf(stderr, "mockcluster: %s\n", handle ? "no cluster" : text);
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("bootstrap %s\n", rd_kafka_mock_cluster_bootstraps(cluster));

    char line[512], name[256];
    int partitions;
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "topic %255s %d", name, &partitions) == 2) {
            rd_kafka_resp_err_t code = rd_kafka_mock_topic_create(cluster, name, partitions, 1);
            printf("%s\n", code ? rd_kafka_err2str(code) : "ok");
        } else if (strcmp(line, "watch\n") == 0 || sscanf(line, "watch %255s", name) == 1) {
            pthread_mutex_lock(&arrivals.lock);
            arrivals.count = 0;
            snprintf(arrivals.marker, sizeof arrivals.marker, "%.31s", line[5] == ' ' ? name : usual_marker);
            pthread_mutex_unlock(&arrivals.lock);
            atomic_store(&watching, true);
            printf("ok\n");
        } else if (strcmp(line, "arrivals\n") == 0) {
            print_arrivals();
        } else {
            printf("unknown command\n");
        }
    }
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(handle);
    return 0;
}
