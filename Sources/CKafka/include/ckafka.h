// librdkafka, and shims for what Swift cannot call. No logic, no state, no allocation in here.
#ifndef CKAFKA_H
#define CKAFKA_H

#include <librdkafka/rdkafka.h>

#if RD_KAFKA_VERSION < 0x020002ff
#error "StreamBridge needs librdkafka 2.0.2 or later"
#endif

/// Enqueues one record. A shim because rd_kafka_producev is variadic in C, so unavailable in Swift.
///
/// - `value` NULL is a tombstone; an empty value is a non-NULL pointer with `value_len` 0. The same holds for `key`.
/// - `headers` is consumed only when the result is RD_KAFKA_RESP_ERR_NO_ERROR; otherwise it still belongs to the caller.
/// - Key and value are copied. Never blocks: a full queue is RD_KAFKA_RESP_ERR__QUEUE_FULL, so that the caller decides how to wait.
static inline rd_kafka_resp_err_t ckafka_produce(rd_kafka_t *rk, rd_kafka_topic_t *topic, int32_t partition,
                                                 const void *key, size_t key_len, const void *value, size_t value_len,
                                                 int64_t timestamp_ms, rd_kafka_headers_t *headers, void *opaque) {
    if (headers)
        return rd_kafka_producev(rk, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition),
                                 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, key_len),
                                 RD_KAFKA_V_VALUE((void *)value, value_len), RD_KAFKA_V_TIMESTAMP(timestamp_ms),
                                 RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
    return rd_kafka_producev(rk, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition),
                             RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, key_len),
                             RD_KAFKA_V_VALUE((void *)value, value_len), RD_KAFKA_V_TIMESTAMP(timestamp_ms),
                             RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
}

#endif
