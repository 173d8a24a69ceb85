// SPDX-License-Identifier: Apache-2.0
#include "consumer/runtime/standing.h"

#include <stdlib.h>
#include <string.h>

#include "consumer/runtime/admin.h"
#include "consumer/runtime/inside.h"
#include "consumer/source/fields.h"
#include "consumer/source/kafka.h"
#include "consumer/state/restore.h"

enum { ASK_MS = 15000, SEND_MS = 30000 };

struct weir_standing {
    const struct weir_config *config;
    char partials[400], state[400], group[300];
    int32_t n_partials, n_state;
    rd_kafka_t *client;
    struct weir_registry *registry;
    struct weir_plan *plan;
    struct weir_restore *restore;
    struct weir_merger **mergers; // per partition; NULL: there is no snapshot
    int64_t *offsets;
};

// ---- open, close

static int count_partitions(rd_kafka_t *client, const char *app, const char *name, int32_t *n,
                            struct weir_error *error)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, name, NULL);
    rd_kafka_resp_err_t code =
        topic ? rd_kafka_metadata(client, 0, topic, &metadata, ASK_MS) : rd_kafka_last_error();
    if (topic)
        rd_kafka_topic_destroy(topic);
    if (code)
        return weir_error_set(error, WEIR_EIO, "the cluster does not answer: %s",
                              rd_kafka_err2str(code));
    code = metadata->topic_cnt ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    *n = metadata->topic_cnt ? metadata->topics[0].partition_cnt : 0;
    rd_kafka_metadata_destroy(metadata);
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || (!code && *n < 1))
        return weir_error_set(error, WEIR_EIO,
                              "there is no topic %s: no member of app '%s' ever ran on this "
                              "cluster (for what files give, say -i STREAM=PATH)",
                              name, app);
    return code ? weir_error_set(error, WEIR_EIO, "topic %s: %s", name, rd_kafka_err2str(code)) : 0;
}

int weir_standing_open(const struct weir_config *config, struct weir_standing **standing,
                       struct weir_error *error)
{
    struct weir_standing *made = calloc(1, sizeof *made);
    if (!made)
        return weir_error_set(error, WEIR_ENOMEM, "out of memory");
    made->config = config;
    snprintf(made->partials, sizeof made->partials, "weir.%s.partials", config->app);
    snprintf(made->state, sizeof made->state, "weir.%s.state", config->app);
    snprintf(made->group, sizeof made->group, "weir.%s", config->app);
    made->client = weir_kafka_reader(config, 1, error);
    int code = made->client ? 0 : error->code;
    if (!code)
        code = count_partitions(made->client, config->app, made->state, &made->n_state, error);
    if (!code)
        code =
            count_partitions(made->client, config->app, made->partials, &made->n_partials, error);
    if (!code) {
        made->mergers = calloc((size_t)made->n_partials, sizeof *made->mergers);
        made->offsets = calloc((size_t)made->n_partials, sizeof *made->offsets);
        if (!made->mergers || !made->offsets)
            code = weir_error_set(error, WEIR_ENOMEM, "out of memory");
    }
    if (!code)
        code = weir_source_registry(config, &made->registry, error);
    if (!code)
        code = weir_runtime_plan(config, made->registry, made->n_partials, &made->plan, error);
    if (!code)
        code = weir_restore_create(config, made->state, 1, &made->restore, error);
    if (code)
        weir_standing_close(made);
    else
        *standing = made;
    return code;
}

static void forget(struct weir_standing *standing)
{
    for (int32_t p = 0; standing->mergers && p < standing->n_partials; p++) {
        weir_merger_destroy(standing->mergers[p]);
        standing->mergers[p] = NULL;
    }
}

void weir_standing_close(struct weir_standing *standing)
{
    if (!standing)
        return;
    forget(standing);
    free(standing->mergers);
    free(standing->offsets);
    weir_restore_destroy(standing->restore);
    weir_plan_destroy(standing->plan);
    weir_registry_destroy(standing->registry);
    if (standing->client)
        rd_kafka_destroy(standing->client);
    free(standing);
}

const struct weir_plan *weir_standing_plan(const struct weir_standing *standing)
{
    return standing->plan;
}

int32_t weir_standing_partitions(const struct weir_standing *standing)
{
    return standing->n_partials;
}

struct weir_merger *weir_standing_merger(const struct weir_standing *standing, int32_t partition,
                                         int64_t *offset)
{
    *offset = standing->offsets[partition];
    return standing->mergers[partition];
}

// ---- reading

static int emit_nothing(void *context, const struct weir_emission *emission)
{
    (void)context, (void)emission;
    return 0;
}

// The merger's part of what its member saved (weir_owned_save()).
static int find_state(const struct weir_standing *standing, const struct weir_snapshot *snapshot,
                      struct weir_span *state, struct weir_error *error)
{
    struct weir_reader in = weir_reader_make(snapshot->state.data, snapshot->state.length);
    size_t n = weir_get_count(&in, WEIR_SNAPSHOT_POSITIONS);
    *state = (struct weir_span){NULL, 0};
    if (snapshot->state_version > WEIR_OWNED_STATE_VERSION)
        return weir_error_set(error, WEIR_EVERSION,
                              "the state of %s was written by a newer weir: run that one",
                              snapshot->task);
    for (size_t i = 0; i < n && !in.failed; i++) {
        char topic[260];
        size_t length = 0;
        weir_get_string(&in, topic, sizeof topic);
        weir_get_long(&in); // whether it is idle
        const uint8_t *data = weir_get_bytes(&in, &length);
        if (!in.failed && !strcmp(topic, standing->partials))
            *state = (struct weir_span){data, length};
    }
    return in.failed || weir_reader_left(&in) || !state->data
               ? weir_error_set(error, WEIR_ECORRUPT, "the state of %s does not decode",
                                snapshot->task)
               : 0;
}

static int make_merger(struct weir_standing *standing, int32_t partition,
                       const struct weir_snapshot *snapshot, struct weir_error *error)
{
    struct weir_emitter emitter = {NULL, emit_nothing};
    struct weir_merger *merger = NULL;
    struct weir_span state;
    int code = find_state(standing, snapshot, &state, error);
    if (!code)
        code = weir_merger_create(standing->plan, partition, &emitter, &merger, error);
    if (!code) {
        weir_merger_suppress(merger, 1);
        code = weir_merger_restore(merger, state.data, state.length, error);
    }
    if (code) {
        weir_merger_destroy(merger);
        return code;
    }
    standing->mergers[partition] = merger;
    standing->offsets[partition] = 0;
    for (size_t i = 0; i < snapshot->n_positions; i++) {
        if (!strcmp(snapshot->positions[i].topic, standing->partials))
            standing->offsets[partition] = snapshot->positions[i].offset;
    }
    return 0;
}

static int is_over(void *deadline)
{
    return weir_now() > *(int64_t *)deadline;
}

static int read_tasks(struct weir_standing *standing, struct weir_restore_task *tasks,
                      int64_t patience, struct weir_error *error)
{
    int64_t deadline = weir_now() + patience;
    int code = 0;
    for (int32_t p = 0; p < standing->n_partials && !code; p++) {
        char name[WEIR_SNAPSHOT_TASK];
        weir_merger_name(p, name, sizeof name);
        tasks[p].partition = weir_state_partition_of(standing->n_state, name);
        code = weir_snapshot_reader_create(name, &tasks[p].reader, error);
    }
    if (!code)
        code = weir_restore_read(standing->restore, tasks, (size_t)standing->n_partials, is_over,
                                 &deadline, error);
    if (code == WEIR_EAGAIN && is_over(&deadline))
        return weir_error_set(error, WEIR_EIO,
                              "topic %s could not be read within %lld s (--timeout): is it there, "
                              "and may it be read?",
                              standing->state, (long long)(patience / 1000));
    for (int32_t p = 0; p < standing->n_partials && !code; p++) {
        struct weir_snapshot snapshot = {0};
        size_t chunks;
        int found = weir_snapshot_reader_finish(tasks[p].reader, &snapshot, &chunks, error);
        code = found < 0 ? found : 0;
        if (found > 0)
            code = make_merger(standing, p, &snapshot, error);
    }
    return code;
}

int weir_standing_read(struct weir_standing *standing, int64_t patience, struct weir_error *error)
{
    struct weir_restore_task *tasks = calloc((size_t)standing->n_partials, sizeof *tasks);
    if (!tasks)
        return weir_error_set(error, WEIR_ENOMEM, "out of memory");
    forget(standing);
    int code = read_tasks(standing, tasks, patience, error);
    for (int32_t p = 0; p < standing->n_partials; p++)
        weir_snapshot_reader_destroy(tasks[p].reader);
    free(tasks);
    return code;
}

// ---- a word to the app

int weir_standing_members(const struct weir_standing *standing, size_t *members,
                          struct weir_error *error)
{
    return weir_admin_members(standing->client, standing->group, members, error);
}

struct sent {
    int done;
    rd_kafka_resp_err_t code;
    int64_t offset;
};

static void on_delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    struct sent *sent = opaque;
    (void)client;
    *sent = (struct sent){1, message->err, message->offset};
}

int weir_standing_send(const struct weir_standing *standing, int32_t partition,
                       struct weir_span key, struct weir_span value, int64_t *offset,
                       struct weir_error *error)
{
    struct sent sent = {0, RD_KAFKA_RESP_ERR__TIMED_OUT, -1};
    struct weir_kafka_events events = {.opaque = &sent, .delivered = on_delivered};
    rd_kafka_t *producer = weir_kafka_sender(standing->config, &events, error);
    if (!producer)
        return error->code;
    rd_kafka_resp_err_t code = rd_kafka_producev(
        producer, RD_KAFKA_V_TOPIC(standing->partials), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key.data, key.length),
        RD_KAFKA_V_VALUE((void *)(uintptr_t)value.data, value.length), RD_KAFKA_V_END);
    if (!code) {
        rd_kafka_flush(producer, SEND_MS);
        code = sent.code;
    }
    rd_kafka_purge(producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_destroy(producer);
    if (!code) {
        *offset = sent.offset;
        return 0;
    }
    int refused = code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
                  code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED;
    return weir_error_set(error, WEIR_EIO, "nothing could be written to topic %s: %s%s",
                          standing->partials, rd_kafka_err2str(code),
                          refused ? "; whoever accepts needs to be allowed to write there" : "");
}
