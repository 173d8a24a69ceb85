// SPDX-License-Identifier: Apache-2.0
#include "consumer/state/restore.h"

#include <stdlib.h>
#include <string.h>

#include "consumer/log/log.h"
#include "consumer/runtime/failpoint.h"
#include "consumer/source/kafka.h"

enum { QUERY_MS = 5000, TRIES = 2, POLL_MS = 100 };

struct weir_restore {
    rd_kafka_t *committed, *uncommitted;
    rd_kafka_t *marking; // the one of them whose high watermark is read to
    char *topic;
};

struct part { // of the state topic, being read
    int32_t partition;
    int64_t mark; // read up to here
    int done;
};

int weir_restore_create(const struct weir_config *config, const char *topic, int of_others,
                        struct weir_restore **restore, struct weir_error *error)
{
    struct weir_restore *made = calloc(1, sizeof *made);
    if (!made || !(made->topic = strdup(topic))) {
        free(made);
        return weir_error_set(error, WEIR_ENOMEM, "out of memory");
    }
    made->committed = weir_kafka_reader(config, 1, error);
    if (made->committed && !of_others)
        made->uncommitted = weir_kafka_reader(config, 0, error);
    made->marking = of_others ? made->committed : made->uncommitted;
    if (!made->marking) {
        weir_restore_destroy(made);
        return error->code;
    }
    *restore = made;
    return 0;
}

void weir_restore_destroy(struct weir_restore *restore)
{
    if (!restore)
        return;
    if (restore->committed)
        rd_kafka_destroy(restore->committed);
    if (restore->uncommitted)
        rd_kafka_destroy(restore->uncommitted);
    free(restore->topic);
    free(restore);
}

// A client goes by the metadata that it has, for a quarter of an hour, and a partition that was
// added since is unknown to it: it has to ask.
static void look_again(rd_kafka_t *client, const char *name)
{
    const rd_kafka_metadata_t *metadata;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, name, NULL);
    if (topic && !rd_kafka_metadata(client, 0, topic, &metadata, QUERY_MS))
        rd_kafka_metadata_destroy(metadata);
    if (topic)
        rd_kafka_topic_destroy(topic);
}

static int query(rd_kafka_t *client, const char *topic, int32_t partition, int64_t *low,
                 int64_t *high, struct weir_error *error)
{
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int tries = 0; tries < TRIES; tries++) {
        code = rd_kafka_query_watermark_offsets(client, topic, partition, low, high, QUERY_MS);
        if (!code)
            return 0;
        if (code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
            look_again(client, topic);
    }
    return weir_error_set(error, WEIR_EAGAIN, "%s [%d]: offsets: %s", topic, partition,
                          rd_kafka_err2str(code));
}

int weir_restore_range(struct weir_restore *restore, const char *topic, int32_t partition,
                       int64_t *low, int64_t *high, struct weir_error *error)
{
    return query(restore->committed, topic, partition, low, high, error);
}

// The distinct partitions of the tasks, with their marks; those that are empty are left out.
static int find_parts(struct weir_restore *restore, const struct weir_restore_task *tasks, size_t n,
                      struct part *parts, size_t *n_parts, struct weir_error *error)
{
    *n_parts = 0;
    for (size_t i = 0; i < n; i++) {
        int known = 0;
        for (size_t k = 0; k < i; k++)
            known |= tasks[k].partition == tasks[i].partition;
        if (known)
            continue;
        int64_t low, high;
        int code = query(restore->marking, restore->topic, tasks[i].partition, &low, &high, error);
        if (code)
            return code;
        if (high > low)
            parts[(*n_parts)++] = (struct part){tasks[i].partition, high, 0};
    }
    return 0;
}

static int offer(const struct weir_restore_task *tasks, size_t n, const rd_kafka_message_t *message,
                 struct weir_error *error)
{
    struct weir_span key = {message->key, message->key_len};
    struct weir_span value = {message->payload, message->len};
    int code = 0;
    for (size_t i = 0; i < n && !code && key.data; i++) {
        if (tasks[i].partition == message->partition)
            code = weir_snapshot_reader_offer(tasks[i].reader, key, value, error);
    }
    weir_failpoint("restore");
    return code;
}

static struct part *part_of(struct part *parts, size_t n, const rd_kafka_message_t *message)
{
    for (size_t i = 0; i < n; i++) {
        if (parts[i].partition == message->partition && !parts[i].done)
            return &parts[i];
    }
    return NULL;
}

// A record, or the end of a partition. One that came after the mark was read may be of a snapshot
// whose rest is still to come.
static int take(const struct weir_restore_task *tasks, size_t n, struct part *part,
                const rd_kafka_message_t *message, struct weir_error *error)
{
    int code = 0;
    if (!message->err && message->offset < part->mark)
        code = offer(tasks, n, message, error);
    // A message tells its own offset, the end of the partition the next one.
    part->done = (message->err ? message->offset : message->offset + 1) >= part->mark;
    return code;
}

static int read_parts(struct weir_restore *restore, const struct weir_restore_task *tasks, size_t n,
                      struct part *parts, size_t n_parts, int (*cancelled)(void *), void *context,
                      struct weir_error *error)
{
    size_t left = n_parts;
    int code = 0;
    while (left && !code) {
        if (cancelled(context))
            return weir_error_set(error, WEIR_EAGAIN, "stopped");
        rd_kafka_message_t *message = rd_kafka_consumer_poll(restore->committed, POLL_MS);
        if (!message)
            continue;
        struct part *part = part_of(parts, n_parts, message);
        if (message->err && message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
            weir_log(WEIR_LOG_WARNING, "state", "%s: %s", restore->topic,
                     rd_kafka_message_errstr(message));
        else if (part)
            code = take(tasks, n, part, message, error);
        left -= part && part->done;
        rd_kafka_message_destroy(message);
    }
    return code;
}

int weir_restore_read(struct weir_restore *restore, const struct weir_restore_task *tasks, size_t n,
                      int (*cancelled)(void *context), void *context, struct weir_error *error)
{
    size_t n_parts = 0;
    struct part *parts = calloc(n ? n : 1, sizeof *parts);
    if (!parts)
        return weir_error_set(error, WEIR_ENOMEM, "out of memory");
    int code = find_parts(restore, tasks, n, parts, &n_parts, error);
    if (!code && n_parts) {
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n_parts);
        for (size_t i = 0; i < n_parts; i++)
            rd_kafka_topic_partition_list_add(list, restore->topic, parts[i].partition)->offset =
                RD_KAFKA_OFFSET_BEGINNING;
        rd_kafka_resp_err_t failed = rd_kafka_assign(restore->committed, list);
        rd_kafka_topic_partition_list_destroy(list);
        code = failed ? weir_error_set(error, WEIR_EAGAIN, "%s: %s", restore->topic,
                                       rd_kafka_err2str(failed))
                      : read_parts(restore, tasks, n, parts, n_parts, cancelled, context, error);
        rd_kafka_assign(restore->committed, NULL);
    }
    free(parts);
    return code;
}
