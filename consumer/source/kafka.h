// SPDX-License-Identifier: Apache-2.0
// librdkafka clients as weir uses them: the user's properties, and those that the guarantees need.
#ifndef WEIR_SOURCE_KAFKA_H
#define WEIR_SOURCE_KAFKA_H

#include <librdkafka/rdkafka.h>

#include "consumer/config/config.h"

enum { WEIR_KAFKA_SESSION_MS = 10000, WEIR_KAFKA_TRANSACTION_MS = 10000 };

struct weir_kafka_events {
    void *opaque; // handed to each
    void (*rebalance)(rd_kafka_t *client, rd_kafka_resp_err_t event,
                      rd_kafka_topic_partition_list_t *partitions, void *opaque);
    void (*delivered)(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque);
    void (*trouble)(rd_kafka_t *client, int code, const char *reason, void *opaque);
};

// How much is fetched ahead of a partition, so that `partitions` of them together hold about a
// quarter of `limit` bytes. What the configuration says of these properties comes before.
enum { WEIR_KAFKA_MESSAGE = 400 }; // bytes that librdkafka needs for a message, beside its own
struct weir_kafka_fetch {
    size_t kilobytes; // queued.max.messages.kbytes
    size_t messages;  // queued.min.messages: small records are bounded by their number
    size_t partition; // max.partition.fetch.bytes
};
struct weir_kafka_fetch weir_kafka_fetch(int64_t limit, int64_t partitions);

// The member of the group weir.APP: cooperative, read_committed, never commits by itself.
// `events` are copied. NULL with an error.
rd_kafka_t *weir_kafka_consumer(const struct weir_config *config,
                                const struct weir_kafka_fetch *fetch,
                                const struct weir_kafka_events *events, struct weir_error *error);
// A reader of partitions outside the group; tells ends of partitions.
rd_kafka_t *weir_kafka_reader(const struct weir_config *config, int read_committed,
                              struct weir_error *error);
// The transactional producer of weir.APP.INSTANCE; transactions are not initialised yet.
// `largest`: bytes of a message, `batch`: of messages sent together.
rd_kafka_t *weir_kafka_producer(const struct weir_config *config, const char *instance,
                                size_t largest, size_t batch,
                                const struct weir_kafka_events *events, struct weir_error *error);

// A producer without transactions, of a command that adds a record to an app's topic.
rd_kafka_t *weir_kafka_sender(const struct weir_config *config,
                              const struct weir_kafka_events *events, struct weir_error *error);

// The member's id and generation as its group coordinator knows them: WEIR_EAGAIN where it has
// none now (an empty id, a negative generation), which brokers would not refuse.
// `metadata` is the caller's.
int weir_kafka_membership(rd_kafka_t *consumer, rd_kafka_consumer_group_metadata_t **metadata,
                          struct weir_error *error);
// Fills `error` (code WEIR_EIO; retriable and fatal as they are) from librdkafka's, which it frees.
int weir_kafka_error(rd_kafka_error_t *from, const char *what, struct weir_error *error);

#endif
