// SPDX-License-Identifier: Apache-2.0
#include "consumer/runtime/owned.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "consumer/http/metrics.h"
#include "consumer/runtime/inside.h"
#include "consumer/source/fields.h"

static void add_input(struct weir_owned *owned, const char *topic, size_t stream)
{
    struct weir_input *input = &owned->inputs[owned->n_inputs++];
    input->owned = owned;
    input->topic = topic;
    input->partition = owned->partition;
    input->stream = stream;
}

void weir_merger_name(int32_t partition, char *out, size_t size)
{
    snprintf(out, size, "merger %d", partition);
}

size_t weir_driver_of(const struct weir_config *config, size_t stream)
{
    while (config->streams[stream].join_to >= 0) // never in a circle
        stream = (size_t)config->streams[stream].join_to;
    return stream;
}

// Topics grow: the clean topic, too, must have the partition.
static int lacks_clean_partition(const struct weir_inside *inside, size_t driver, int32_t partition,
                                 struct weir_error *error)
{
    const struct weir_config *config = inside->config;
    for (size_t s = 0; s < config->n_streams && driver != SIZE_MAX; s++) {
        const struct weir_topic *clean = &inside->topics.items[WEIR_TOPIC_GATE + s];
        if (weir_driver_of(config, s) == driver && clean->name && partition >= clean->partitions)
            return weir_error_set(error, WEIR_EINVAL,
                                  "topic %s has %d partitions, and %s has more now: add partitions",
                                  clean->name, clean->partitions, inside->topics.sources[s].name);
    }
    return 0;
}

int weir_owned_create(struct weir_inside *inside, size_t driver, int32_t partition,
                      struct weir_owned **owned, struct weir_error *error)
{
    const struct weir_config *config = inside->config;
    if (lacks_clean_partition(inside, driver, partition, error))
        return error->code;
    struct weir_owned *made = calloc(1, sizeof *made);
    size_t most = config->n_streams + 1;
    if (made) {
        made->inputs = calloc(most, sizeof *made->inputs);
        made->pending_offsets = calloc(most, sizeof *made->pending_offsets);
        made->flying_offsets = calloc(most, sizeof *made->flying_offsets);
    }
    if (!made || !made->inputs || !made->pending_offsets || !made->flying_offsets) {
        if (made) {
            free(made->inputs);
            free(made->pending_offsets);
            free(made->flying_offsets);
        }
        free(made);
        return weir_error_set(error, WEIR_ENOMEM, "out of memory");
    }
    made->inside = inside;
    atomic_store(&made->references, 1);
    made->partition = partition;
    made->driver = driver;
    made->pending_kept = made->flying_kept = made->kept = -1;
    pthread_mutex_init(&made->lock, NULL);
    weir_outbox_init(&made->staging);
    weir_outbox_init(&made->pending);
    weir_outbox_init(&made->flying);
    if (driver == SIZE_MAX) {
        weir_merger_name(partition, made->name, sizeof made->name);
        add_input(made, inside->topics.items[WEIR_OUTPUT_PARTIALS].name, SIZE_MAX);
    } else {
        snprintf(made->name, sizeof made->name, "edge %.250s %d", config->streams[driver].info.name,
                 partition);
        add_input(made, inside->topics.sources[driver].name, driver);
        for (size_t s = 0; s < config->n_streams; s++) {
            if (s != driver && weir_driver_of(config, s) == driver)
                add_input(made, inside->topics.sources[s].name, s);
        }
    }
    *owned = made;
    return 0;
}

void weir_owned_pending(struct weir_owned *owned, int64_t bytes)
{
    atomic_fetch_add(&owned->inside->pending, bytes);
    weir_memory_add(&owned->inside->memory, WEIR_MEMORY_OUTPUT, bytes);
}

void weir_owned_hold(struct weir_owned *owned)
{
    atomic_fetch_add(&owned->references, 1);
}

void weir_owned_drop(struct weir_owned *owned)
{
    if (atomic_fetch_sub(&owned->references, 1) != 1)
        return;
    for (size_t i = 0; i < owned->n_inputs; i++) {
        struct weir_input *input = &owned->inputs[i];
        for (size_t k = input->at; k < input->n; k++)
            rd_kafka_message_destroy(input->held[k]);
        free(input->held);
        free(input->rows);
        free(input->headers);
        if (input->queue)
            rd_kafka_queue_destroy(input->queue);
        weir_edge_task_destroy(input->edge);
        weir_decoder_destroy(input->decoder);
    }
    for (size_t i = 0; i < owned->n_beside; i++)
        weir_edge_task_destroy(owned->beside[i].edge);
    free(owned->beside);
    weir_merger_destroy(owned->merger);
    weir_owned_pending(owned, -(int64_t)weir_outbox_size(&owned->pending));
    weir_memory_leave(&owned->inside->memory, &owned->share);
    weir_memory_leave(&owned->inside->memory, &owned->flying_share);
    weir_outbox_free(&owned->staging);
    weir_outbox_free(&owned->pending);
    weir_outbox_free(&owned->flying);
    pthread_mutex_destroy(&owned->lock);
    free(owned->pending_offsets);
    free(owned->flying_offsets);
    free(owned->inputs);
    free(owned);
}

// ---- the engine's tasks

static int build_decoder(struct weir_input *input, struct weir_error *error)
{
    struct weir_inside *inside = input->owned->inside;
    const struct weir_stream_config *config = &inside->config->streams[input->stream];
    const struct weir_stream *info = weir_plan_stream(inside->plan, input->stream);
    struct weir_decoder_options options = {
        .format = config->format,
        .builder = weir_plan_builder(inside->plan, input->stream),
        .registry = inside->registry,
    };
    options.builder.dictionary_bytes =
        weir_memory_dictionary(inside->config->limit_memory, inside->dictionaries);
    const char **columns = calloc(info->n_fields + 1, sizeof *columns);
    char *schema = NULL;
    if (!columns)
        return weir_error_set(error, WEIR_ENOMEM, "out of memory");
    for (size_t i = 0; i < info->n_fields; i++)
        columns[i] = info->fields[i].name;
    options.csv_columns = columns;
    options.n_csv_columns = info->n_fields;
    int code = 0;
    if (config->schema && !(schema = weir_schema_text(config->schema, error)))
        code = WEIR_EIO;
    options.schema = schema;
    if (!code)
        code = weir_decoder_create(&options, &input->decoder, error);
    free(columns);
    free(schema);
    return code;
}

static struct weir_input *input_of(struct weir_owned *owned, size_t stream)
{
    for (size_t i = 0; i < owned->n_inputs; i++) {
        if (owned->inputs[i].stream == stream)
            return &owned->inputs[i];
    }
    return NULL;
}

static int build_beside(struct weir_owned *owned, struct weir_error *error)
{
    struct weir_inside *inside = owned->inside;
    size_t first, n = weir_plan_joined(inside->plan, &first);
    int code = 0;
    owned->beside = calloc(n + 1, sizeof *owned->beside);
    if (!owned->beside)
        return weir_error_set(error, WEIR_ENOMEM, "out of memory");
    for (size_t i = 0; i < n && !code; i++) {
        size_t driver, follower;
        weir_plan_joined_of(inside->plan, first + i, &driver, &follower);
        struct weir_beside *beside = &owned->beside[owned->n_beside];
        beside->sides[0] = input_of(owned, driver);
        beside->sides[1] = input_of(owned, follower);
        if (!beside->sides[0] || !beside->sides[1])
            continue;
        snprintf(beside->name, sizeof beside->name, "%s",
                 weir_plan_stream(inside->plan, first + i)->name);
        struct weir_emitter emitter = {beside->sides[0], weir_owned_emit};
        code = weir_edge_task_create(inside->plan, first + i, owned->partition,
                                     atomic_load(&inside->partitions[driver]), &emitter,
                                     &beside->edge, error);
        if (!code) {
            weir_edge_task_suppress(beside->edge, 1);
            owned->n_beside++;
        }
    }
    return code;
}

int weir_owned_build(struct weir_owned *owned, struct weir_error *error)
{
    struct weir_inside *inside = owned->inside;
    int code = 0;
    for (size_t i = 0; i < owned->n_inputs && !code; i++) {
        struct weir_input *input = &owned->inputs[i];
        struct weir_emitter emitter = {input, weir_owned_emit};
        if (!input->held)
            input->held = calloc(WEIR_FETCH, sizeof *input->held);
        if (!input->rows)
            input->rows = calloc(WEIR_FETCH, sizeof *input->rows);
        if (!input->held || !input->rows)
            return weir_error_set(error, WEIR_ENOMEM, "out of memory");
        if (input->stream == SIZE_MAX) {
            code =
                weir_merger_create(inside->plan, owned->partition, &emitter, &owned->merger, error);
            if (!code)
                weir_merger_tells(owned->merger, 1);
            if (!code)
                weir_merger_windows(owned->merger,
                                    inside->topics.items[WEIR_OUTPUT_WINDOWS].name != NULL);
            continue;
        }
        code = weir_edge_task_create(inside->plan, input->stream, owned->partition,
                                     atomic_load(&inside->partitions[input->stream]), &emitter,
                                     &input->edge, error);
        if (!code)
            code = build_decoder(input, error);
    }
    if (!code && owned->driver != SIZE_MAX)
        code = build_beside(owned, error);
    return code;
}

// ---- state

int weir_owned_save(const struct weir_owned *owned, struct weir_buffer *out)
{
    struct weir_buffer part;
    int code = 0;
    weir_put_long(out, (int64_t)(owned->n_inputs + owned->n_beside));
    for (size_t i = 0; i < owned->n_inputs && !code; i++) {
        const struct weir_input *input = &owned->inputs[i];
        weir_buffer_init(&part, WEIR_BUFFER_MAXIMUM);
        code = input->edge ? weir_edge_task_save(input->edge, &part)
                           : weir_merger_save(owned->merger, &part);
        if (part.failed)
            code = WEIR_ENOMEM;
        weir_put_string(out, input->topic);
        weir_put_long(out, input->idle);
        weir_put_bytes(out, part.data, part.length);
        weir_buffer_free(&part);
    }
    for (size_t i = 0; i < owned->n_beside && !code; i++) {
        weir_buffer_init(&part, WEIR_BUFFER_MAXIMUM);
        code = weir_edge_task_save(owned->beside[i].edge, &part);
        if (part.failed)
            code = WEIR_ENOMEM;
        weir_put_string(out, owned->beside[i].name);
        weir_put_long(out, owned->beside[i].idle);
        weir_put_bytes(out, part.data, part.length);
        weir_buffer_free(&part);
    }
    return code ? code : out->failed ? WEIR_ENOMEM : 0;
}

static struct weir_input *find_input(struct weir_owned *owned, const char *topic)
{
    for (size_t i = 0; i < owned->n_inputs; i++) {
        if (!strcmp(owned->inputs[i].topic, topic))
            return &owned->inputs[i];
    }
    return NULL;
}

static struct weir_beside *find_beside(struct weir_owned *owned, const char *name)
{
    for (size_t i = 0; i < owned->n_beside; i++) {
        if (!strcmp(owned->beside[i].name, name))
            return &owned->beside[i];
    }
    return NULL;
}

int weir_owned_restore(struct weir_owned *owned, const struct weir_snapshot *snapshot,
                       struct weir_error *error)
{
    if (snapshot->state_version > WEIR_OWNED_STATE_VERSION)
        return weir_error_set(error, WEIR_EVERSION,
                              "the state of %s has version %u, this weir reads %d: it was written "
                              "by a newer one",
                              owned->name, snapshot->state_version, WEIR_OWNED_STATE_VERSION);
    struct weir_reader in = weir_reader_make(snapshot->state.data, snapshot->state.length);
    size_t n = weir_get_count(&in, WEIR_SNAPSHOT_POSITIONS);
    for (size_t i = 0; i < n && !in.failed; i++) {
        char topic[260];
        size_t length = 0;
        weir_get_string(&in, topic, sizeof topic);
        int idle = weir_get_long(&in) != 0;
        const uint8_t *data = weir_get_bytes(&in, &length);
        // A stream that is no longer joined takes its state with it.
        struct weir_input *input = in.failed ? NULL : find_input(owned, topic);
        struct weir_beside *beside = in.failed ? NULL : find_beside(owned, topic);
        if (beside) {
            beside->idle = idle;
            int code = weir_edge_task_restore(beside->edge, data, length, error);
            if (code)
                return code;
        }
        if (!input)
            continue;
        input->idle = idle;
        int code = input->edge ? weir_edge_task_restore(input->edge, data, length, error)
                               : weir_merger_restore(owned->merger, data, length, error);
        if (code)
            return code;
    }
    if (in.failed || weir_reader_left(&in))
        return weir_error_set(error, WEIR_ECORRUPT, "the state of %s does not decode", owned->name);
    return 0;
}

int32_t weir_state_partition_of(int32_t partitions, const char *task)
{
    return (int32_t)(XXH3_64bits(task, strlen(task)) % (uint64_t)partitions);
}

int32_t weir_state_partition(const struct weir_inside *inside, const char *task)
{
    return weir_state_partition_of(inside->topics.items[WEIR_TOPIC_STATE].partitions, task);
}

static int put_state(void *context, struct weir_span key, struct weir_span value)
{
    struct weir_owned *owned = context;
    return weir_outbox_add(&owned->staging, WEIR_TOPIC_STATE,
                           weir_state_partition(owned->inside, owned->name), 0, key, value, NULL,
                           0);
}

int weir_owned_snapshot(struct weir_owned *owned, struct weir_error *error)
{
    struct weir_snapshot_position *positions = calloc(owned->n_inputs, sizeof *positions);
    struct weir_buffer state;
    weir_buffer_init(&state, WEIR_BUFFER_MAXIMUM);
    int code = positions ? weir_owned_save(owned, &state) : WEIR_ENOMEM;
    if (code) {
        weir_error_set(error, code, "the state of %s cannot be saved (%zu bytes)", owned->name,
                       state.length);
    } else {
        for (size_t i = 0; i < owned->n_inputs; i++)
            positions[i] = (struct weir_snapshot_position){
                owned->inputs[i].topic, owned->inputs[i].partition, owned->inputs[i].next};
        struct weir_snapshot snapshot = {
            .task = owned->name,
            .sequence = owned->sequence + 1,
            .state_version = WEIR_OWNED_STATE_VERSION,
            .plan_hash = weir_plan_hash(owned->inside->plan),
            .positions = positions,
            .n_positions = owned->n_inputs,
            .state = {state.data, state.length},
        };
        code = weir_snapshot_write(&snapshot, WEIR_SNAPSHOT_CHUNK, owned->chunks, put_state, owned,
                                   &owned->chunks, error);
    }
    if (!code) {
        owned->sequence++;
        owned->snapshot_due = 0;
        owned->changed = 0;
        owned->staged_snapshots++;
        owned->staged_kept = owned->inputs[0].next;
    }
    weir_buffer_free(&state);
    free(positions);
    return code;
}

int weir_owned_push(struct weir_owned *owned)
{
    pthread_mutex_lock(&owned->lock);
    size_t before = weir_outbox_size(&owned->pending);
    int code = owned->staging.n ? weir_outbox_move(&owned->pending, &owned->staging) : 0;
    weir_owned_pending(owned, (int64_t)weir_outbox_size(&owned->pending) - (int64_t)before);
    // While output is suppressed the committed offset is ahead of the position.
    for (size_t i = 0; i < owned->n_inputs; i++) {
        const struct weir_input *input = &owned->inputs[i];
        owned->pending_offsets[i] = input->next > input->committed ? input->next : input->committed;
    }
    if (owned->staged_snapshots) {
        owned->pending_snapshots += owned->staged_snapshots;
        owned->pending_kept = owned->staged_kept;
        owned->staged_snapshots = 0;
    }
    owned->dirty = 1;
    pthread_mutex_unlock(&owned->lock);
    return code;
}
