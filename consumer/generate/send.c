// SPDX-License-Identifier: Apache-2.0
#include "consumer/generate/send.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 30000

struct weir_generate_sender {
    rd_kafka_t *producer;
    rd_kafka_resp_err_t failed; // of the first record that was not delivered
};

static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
    (void)producer;
    struct weir_generate_sender *sender = opaque;
    if (message->err && !sender->failed)
        sender->failed = message->err;
}

// Errors of the connection come back with the call that waits for it.
static void on_error(rd_kafka_t *producer, int code, const char *reason, void *opaque)
{
    (void)producer;
    (void)code;
    (void)reason;
    (void)opaque;
}

// Partitions of the topic; 0 when it does not exist, negative on failure.
static int partitions_of(struct weir_generate_sender *sender, const char *topic,
                         struct weir_error *error)
{
    const rd_kafka_metadata_t *metadata = NULL;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(sender->producer, topic, NULL);
    if (!handle)
        return weir_error_set(error, WEIR_EINVAL, "'%s' is not a topic's name", topic);
    rd_kafka_resp_err_t code =
        rd_kafka_metadata(sender->producer, 0, handle, &metadata, TIMEOUT_MS);
    rd_kafka_topic_destroy(handle);
    if (code)
        return weir_error_set(error, WEIR_EIO, "the cluster does not answer: %s",
                              rd_kafka_err2str(code));
    int count = metadata->topic_cnt == 1 && !metadata->topics[0].err
                    ? metadata->topics[0].partition_cnt
                    : 0;
    rd_kafka_metadata_destroy(metadata);
    return count;
}

static int create_topic(struct weir_generate_sender *sender, const char *topic, int partitions,
                        struct weir_error *error)
{
    char reason[256] = "no answer";
    rd_kafka_NewTopic_t *wanted =
        rd_kafka_NewTopic_new(topic, partitions, -1, reason, sizeof reason);
    if (!wanted)
        return weir_error_set(error, WEIR_EINVAL, "topic %s: %s", topic, reason);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(sender->producer);
    rd_kafka_CreateTopics(sender->producer, &wanted, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, TIMEOUT_MS);
    rd_kafka_resp_err_t code = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    const rd_kafka_CreateTopics_result_t *result =
        event ? rd_kafka_event_CreateTopics_result(event) : NULL;
    if (!code && result) {
        size_t count;
        const rd_kafka_topic_result_t **topics =
            rd_kafka_CreateTopics_result_topics(result, &count);
        code = count == 1 ? rd_kafka_topic_result_error(topics[0]) : RD_KAFKA_RESP_ERR__FAIL;
    }
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(wanted);
    if (code && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        return weir_error_set(error, WEIR_EIO, "topic %s cannot be created: %s", topic,
                              rd_kafka_err2str(code));
    return 0;
}

static int prepare_topic(struct weir_generate_sender *sender, const char *prefix, const char *name,
                         int partitions, struct weir_error *error)
{
    char topic[256];
    snprintf(topic, sizeof topic, "%s%s", prefix, name);
    int count = partitions_of(sender, topic, error);
    if (count < 0)
        return count;
    if (count == 0)
        return create_topic(sender, topic, partitions, error);
    if (count < partitions)
        return weir_error_set(error, WEIR_EINVAL,
                              "topic %s has %d partitions, fewer than --partitions %d", topic,
                              count, partitions);
    return 0;
}

static rd_kafka_t *new_producer(struct weir_generate_sender *sender, const char *bootstrap,
                                struct weir_error *error)
{
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_opaque(conf, sender);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_error_cb(conf, on_error);
    if (rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap, reason, sizeof reason) ||
        rd_kafka_conf_set(conf, "enable.idempotence", "true", reason, sizeof reason) ||
        rd_kafka_conf_set(conf, "linger.ms", "20", reason, sizeof reason) ||
        rd_kafka_conf_set(conf, "log_level", "3", reason, sizeof reason)) {
        rd_kafka_conf_destroy(conf);
        weir_error_set(error, WEIR_EINVAL, "%s", reason);
        return NULL;
    }
    rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    if (!producer) {
        rd_kafka_conf_destroy(conf);
        weir_error_set(error, WEIR_EIO, "%s", reason);
    }
    return producer;
}

struct weir_generate_sender *weir_generate_sender_open(const char *bootstrap,
                                                       const struct weir_generate_options *options,
                                                       struct weir_error *error)
{
    struct weir_generate_sender *sender = calloc(1, sizeof *sender);
    if (!sender) {
        weir_error_set(error, WEIR_ENOMEM, "out of memory");
        return NULL;
    }
    sender->producer = new_producer(sender, bootstrap, error);
    if (!sender->producer ||
        prepare_topic(sender, options->topic_prefix, "features", options->partitions, error) ||
        prepare_topic(sender, options->topic_prefix, "labels", options->partitions, error)) {
        weir_generate_sender_close(sender);
        return NULL;
    }
    return sender;
}

static int failure(const struct weir_generate_sender *sender, struct weir_error *error)
{
    return weir_error_set(error, WEIR_EIO, "a record was not delivered: %s",
                          rd_kafka_err2str(sender->failed));
}

int weir_generate_sender_send(struct weir_generate_sender *sender,
                              const struct weir_generate_record *record, struct weir_error *error)
{
    for (;;) {
        rd_kafka_resp_err_t code = rd_kafka_producev(
            sender->producer, RD_KAFKA_V_TOPIC(record->topic),
            RD_KAFKA_V_PARTITION(record->partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
            RD_KAFKA_V_KEY(record->key, record->key_length),
            RD_KAFKA_V_VALUE((void *)(uintptr_t)record->value, record->value_length),
            RD_KAFKA_V_TIMESTAMP(record->timestamp_ms), RD_KAFKA_V_END);
        rd_kafka_poll(sender->producer, code == RD_KAFKA_RESP_ERR__QUEUE_FULL ? 100 : 0);
        if (sender->failed)
            return failure(sender, error);
        if (!code)
            return 0;
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return weir_error_set(error, WEIR_EIO, "%s: %s", record->topic, rd_kafka_err2str(code));
    }
}

int weir_generate_sender_finish(struct weir_generate_sender *sender, struct weir_error *error)
{
    rd_kafka_resp_err_t code = rd_kafka_flush(sender->producer, 2 * TIMEOUT_MS);
    if (sender->failed)
        return failure(sender, error);
    if (code)
        return weir_error_set(error, WEIR_EIO, "%d records were not acknowledged: %s",
                              rd_kafka_outq_len(sender->producer), rd_kafka_err2str(code));
    return 0;
}

void weir_generate_sender_close(struct weir_generate_sender *sender)
{
    if (!sender)
        return;
    if (sender->producer) {
        rd_kafka_purge(sender->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_destroy(sender->producer);
    }
    free(sender);
}
