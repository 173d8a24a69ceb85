// SPDX-License-Identifier: Apache-2.0
// A small engine for fuzz targets: a plan with windows of time and of records, a detector with
// both roles, and some records, whose partials and state are what a target starts from.
#ifndef WEIR_FUZZ_ENGINE_H
#define WEIR_FUZZ_ENGINE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/config/config.h"
#include "consumer/host/plugins.h"
#include "consumer/task/task.h"
#include "stats/reservoir.h"

static inline int probe_create(const struct weir_detector_config *config,
                               const struct weir_setup *setup, void **instance,
                               struct weir_error *error)
{
    struct weir_rule rule = {"high", "schema.range", 1, WEIR_WARNING, WEIR_ACTION_NONE, 0};
    int code = setup->rule(setup, &rule, error);
    for (unsigned by = 0; by <= config->n_by && code >= 0; by++)
        code = setup->need(setup, by, 1, WEIR_PART_MOMENTS | WEIR_PART_TOP, error);
    if (code >= 0)
        code = setup->sample(setup, 3, error);
    *instance = calloc(1, 8);
    return code < 0 ? code : 0;
}

static inline int role_create(void *instance, void **role, struct weir_error *error)
{
    (void)instance;
    (void)error;
    *role = calloc(1, sizeof(int64_t));
    return *role ? 0 : WEIR_ENOMEM;
}

static inline int probe_observe(void *edge, const struct weir_batch *batch,
                                const struct weir_edge *host, struct weir_error *error)
{
    uint32_t first = 0;
    (void)error;
    *(int64_t *)edge = host->pane[batch->n_rows - 1];
    if (batch->columns[1].values.f64[0] > 5)
        host->flag(host, 0, &first, 1);
    return 0;
}

static inline int probe_close(void *edge, int64_t start, int64_t end, struct weir_buffer *out,
                              struct weir_error *error)
{
    (void)end;
    (void)error;
    weir_put_long(out, *(int64_t *)edge - start);
    return 0;
}

static inline int probe_window(void *owner, const struct weir_window *window,
                               struct weir_error *error)
{
    (void)error;
    if (weir_reservoir_rows(window->sample(window)) > 3)
        abort();
    struct weir_finding finding = {.size = sizeof finding,
                                   .rule = "r",
                                   .kind = "drift.feature",
                                   .severity = WEIR_INFO,
                                   .summary = "much"};
    for (size_t s = 0; s < window->n_slices; s++) {
        const struct weir_summary *summary = window->summary(window, s, 1);
        if (!summary)
            abort();
        finding.slice = window->slices[s].values;
        finding.n_slice = window->slices[s].n_values;
        if (summary->rows > 3)
            window->emit(window, &finding);
    }
    *(int64_t *)owner += (int64_t)window->rows & 0xff;
    return 0;
}

static inline int role_save(const void *role, struct weir_buffer *out)
{
    return weir_put_long(out, *(const int64_t *)role);
}

static inline int role_restore(void *role, uint32_t version, struct weir_reader *in,
                               struct weir_error *error)
{
    (void)version;
    *(int64_t *)role = weir_get_long(in);
    return in->failed ? weir_error_set(error, WEIR_ECORRUPT, "short") : 0;
}

struct engine {
    struct weir_plugins *plugins;
    struct weir_config *config;
    struct weir_plan *plan;
    struct weir_buffer partials; // key, value, key, value, ...
    size_t n_partials;
    struct weir_buffer edge, merger; // state in the middle
    struct weir_merger *feeding;     // that takes partials at once; or NULL
};

static inline int on_fuzz_emission(void *context, const struct weir_emission *emission)
{
    struct engine *engine = context;
    struct weir_error error;
    if (emission->output != WEIR_OUTPUT_PARTIALS || !engine->feeding)
        return 0;
    weir_put_bytes(&engine->partials, emission->value.data, emission->value.length);
    engine->n_partials++;
    return weir_merger_accept(engine->feeding, emission->key, emission->value, &error);
}

static inline struct weir_edge_task *engine_edge(struct engine *engine)
{
    struct weir_emitter emitter = {engine, on_fuzz_emission};
    struct weir_edge_task *edge;
    struct weir_error error;
    if (weir_edge_task_create(engine->plan, 0, 0, 1, &emitter, &edge, &error))
        abort();
    return edge;
}

static inline struct weir_merger *engine_merger(struct engine *engine)
{
    struct weir_emitter emitter = {engine, on_fuzz_emission};
    struct weir_merger *merger;
    struct weir_error error;
    if (weir_merger_create(engine->plan, 0, &emitter, &merger, &error))
        abort();
    return merger;
}

// Records from `from` on; two of them further ahead in time than is believed at once, by some
// dozens of windows: thousands of empty ones would take all of a target's time.
static inline int engine_observe(struct engine *engine, struct weir_edge_task *edge, int from,
                                 int n)
{
    static const char *const columns[] = {"at", "x", "route"};
    struct weir_decoder_options options = {.format = WEIR_FORMAT_CSV,
                                           .builder = weir_plan_builder(engine->plan, 0),
                                           .csv_columns = columns,
                                           .n_csv_columns = 3};
    struct weir_decoder *decoder;
    struct weir_error error;
    if (weir_decoder_create(&options, &decoder, &error))
        abort();
    weir_decoder_begin(decoder, "t", 0);
    for (int i = from; i < from + n; i++) {
        char text[80];
        long long at = 1700000000000 + i * 700, ahead = at + 70 * 1000;
        int length =
            snprintf(text, sizeof text, "%lld,%d.5,r%d", i % 50 == 49 ? ahead : at, i % 7, i % 5);
        struct weir_record record = {.offset = i, .value = {(uint8_t *)text, (size_t)length}};
        if (weir_decoder_add(decoder, &record, NULL, &error))
            abort();
    }
    int code = weir_edge_task_observe(edge, weir_decoder_finish(decoder), &error);
    weir_decoder_destroy(decoder);
    return code;
}

static inline void engine_start(struct engine *engine)
{
    static const struct weir_option options[] = {{.key = NULL}};
    static const char *const kinds[] = {"schema.range", "drift.feature", NULL};
    static const struct weir_plugin probe = {.abi_major = WEIR_ABI_MAJOR,
                                             .abi_minor = WEIR_ABI_MINOR,
                                             .size = sizeof probe,
                                             .name = "probe",
                                             .version = "1",
                                             .description = "for fuzzing",
                                             .options = options,
                                             .kinds = kinds,
                                             .state_version = 1,
                                             .create = probe_create,
                                             .destroy = free,
                                             .edge_create = role_create,
                                             .edge_destroy = free,
                                             .edge_observe = probe_observe,
                                             .edge_close = probe_close,
                                             .edge_save = role_save,
                                             .edge_restore = role_restore,
                                             .owner_create = role_create,
                                             .owner_destroy = free,
                                             .owner_window = probe_window,
                                             .owner_save = role_save,
                                             .owner_restore = role_restore};
    static const char text[] =
        "version: 1\napp: fuzz\nstreams:\n  s:\n    topic: t\n    format: csv\n    time: at\n"
        "    max_jump: 1m\n"
        "    fields:\n      at: {type: long}\n      x: {type: double}\n"
        "      route: {type: string, role: slice}\n"
        "    gate: {topic: c, quarantine_at_most: 10%, over: 20s, at_least: 10}\n"
        "alerts: {topic: a}\nquarantine: {topic: q}\nlimits: {slices: 3}\ndetectors:\n"
        "  whole: {type: probe, stream: s, window: {size: 10s, lateness: 1s}}\n"
        "  hops: {type: probe, stream: s, by: [route], window: {size: 6s, hop: 2s, lateness: 3s}}\n"
        "  counted: {type: probe, stream: s, window: {records: 20}}\n";
    struct weir_problems problems = {0};
    struct weir_error error;
    if (weir_plugins_create(&engine->plugins, &error) ||
        weir_plugins_add_static(engine->plugins, &probe, &error) ||
        weir_config_parse(text, strlen(text), "fuzz.yaml", engine->plugins, &engine->config,
                          &problems))
        abort();
    struct weir_plan_options plan = {.config = engine->config, .partials_partitions = 1};
    if (weir_plan_create(&plan, &engine->plan, &error))
        abort();
    weir_buffer_init(&engine->partials, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&engine->edge, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&engine->merger, WEIR_BUFFER_MAXIMUM);
    struct weir_edge_task *edge = engine_edge(engine);
    engine->feeding = engine_merger(engine);
    if (engine_observe(engine, edge, 0, 100) || weir_edge_task_save(edge, &engine->edge) ||
        weir_merger_save(engine->feeding, &engine->merger))
        abort();
    weir_edge_task_destroy(edge);
    weir_merger_destroy(engine->feeding);
    engine->feeding = NULL;
}

// Changes bytes of a copy: of each three input bytes two say where and one what to; a first
// byte that is odd takes the input as it is instead.
static inline uint8_t *engine_change(const struct weir_buffer *from, const uint8_t *data,
                                     size_t size, size_t *length)
{
    int whole = size && data[0] & 1;
    *length = whole ? size - 1 : from->length;
    uint8_t *copy = malloc(*length + 1);
    if (!copy)
        abort();
    memcpy(copy, whole ? data + 1 : from->data, *length);
    for (size_t at = 1; !whole && at + 3 <= size; at += 3) {
        size_t place = data[at] + 256u * data[at + 1];
        if (place < *length)
            copy[place] ^= data[at + 2];
        else
            *length -= (place - *length) % (*length + 1);
    }
    return copy;
}

#endif
