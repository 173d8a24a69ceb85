// SPDX-License-Identifier: Apache-2.0
// For tests: the real engine around this detector, records in, alerts out as text.
#ifndef WEIR_OPERATIONS_ENGINE_H
#define WEIR_OPERATIONS_ENGINE_H

#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/alert/alert.h"
#include "consumer/host/plugins.h"
#include "consumer/task/task.h"
#include "weir/detector.h"

extern const struct weir_plugin weir_plugin;

enum { ENGINE_TASKS = 4, ENGINE_TEXT = 160, MINUTE = 60000, HOUR = 3600000, DAY = 86400000 };
#define ENGINE_START INT64_C(1772409600000) // a Monday

struct engine_row {
    int64_t time;
    int partition;          // 1 + the task, 0: in turn
    char text[ENGINE_TEXT]; // the fields behind `at`, as CSV
};

// How it is played: nothing of it may show.
struct engine_manner {
    int tasks;      // 0: 1
    uint32_t batch; // rows; 0: 256
    int restarts;   // state is saved and restored now and then
};

struct engine {
    struct engine_manner manner;
    struct weir_plugin plugin; // what is linked in, under the type `tested`: the host also finds
                               // the module that was built
    struct weir_plugins *plugins;
    struct weir_config *config;
    struct weir_plan *plan;
    struct weir_edge_task *edges[ENGINE_TASKS];
    struct weir_decoder *decoders[ENGINE_TASKS];
    struct weir_buffer queues[ENGINE_TASKS];
    struct weir_merger *merger;
    struct weir_buffer said;
    int current, idle[ENGINE_TASKS];
};

static inline int engine_queue(void *context, const struct weir_emission *emission)
{
    struct engine *engine = context;
    struct weir_buffer *queue = &engine->queues[engine->current];
    if (emission->output != WEIR_OUTPUT_PARTIALS)
        return 0;
    weir_put_bytes(queue, emission->key.data, emission->key.length);
    weir_put_bytes(queue, emission->value.data, emission->value.length);
    return queue->failed;
}

static inline int engine_say(void *context, const struct weir_emission *emission)
{
    static const char *const statuses[] = {"open", "update", "resolved"};
    struct engine *engine = context;
    const struct weir_alert *alert = emission->alert;
    if (emission->output != WEIR_OUTPUT_ALERTS)
        return 0;
    const struct weir_finding *finding = &alert->finding;
    // Which record was the first has a place in a partition: tasks differ in that.
    const char *first = strstr(finding->summary, " (since 20");
    int length = (int)(first ? (size_t)(first - finding->summary) : strlen(finding->summary));
    weir_buffer_printf(
        &engine->said, "%s %s %s %s%s%s %s: %.*s\n", statuses[alert->status], finding->kind,
        weir_severity_name(finding->severity), finding->n_fields ? finding->fields[0] : "-",
        finding->n_slice ? "=" : "", finding->n_slice ? finding->slice[0].value : "",
        finding->model_version && *finding->model_version ? finding->model_version : "-", length,
        finding->summary);
    return 0;
}

static inline void engine_edge(struct engine *engine, int task)
{
    struct weir_error error = {0};
    struct weir_emitter emitter = {engine, engine_queue};
    ck_assert_msg(!weir_edge_task_create(engine->plan, 0, task, engine->manner.tasks, &emitter,
                                         &engine->edges[task], &error),
                  "%s", error.message);
}

static inline void engine_merger(struct engine *engine)
{
    struct weir_error error = {0};
    struct weir_emitter emitter = {engine, engine_say};
    ck_assert_msg(!weir_merger_create(engine->plan, 0, &emitter, &engine->merger, &error), "%s",
                  error.message);
}

// `columns`: names of the CSV's, as of `at`, ended by NULL.
static inline void engine_start(struct engine *engine, const char *yaml, const char *const *columns,
                                const struct engine_manner *manner)
{
    struct weir_error error = {0};
    struct weir_problems problems = {0};
    memset(engine, 0, sizeof *engine);
    engine->manner = *manner;
    engine->manner.tasks = manner->tasks ? manner->tasks : 1;
    engine->manner.batch = manner->batch ? manner->batch : 256;
    weir_buffer_init(&engine->said, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_plugins_create(&engine->plugins, &error), 0);
    engine->plugin = weir_plugin;
    engine->plugin.name = "tested";
    ck_assert_int_eq(weir_plugins_add_static(engine->plugins, &engine->plugin, &error), 0);
    int code = weir_config_parse(yaml, strlen(yaml), "test.yaml", engine->plugins, &engine->config,
                                 &problems);
    if (code)
        weir_problems_print(&problems, "test.yaml", stderr);
    ck_assert_int_eq(code, 0);
    weir_problems_free(&problems);
    struct weir_plan_options options = {.config = engine->config, .partials_partitions = 1};
    ck_assert_msg(!weir_plan_create(&options, &engine->plan, &error), "%s", error.message);
    size_t n = 0;
    while (columns[n])
        n++;
    for (int t = 0; t < engine->manner.tasks; t++) {
        struct weir_decoder_options decoder = {.format = WEIR_FORMAT_CSV,
                                               .builder = weir_plan_builder(engine->plan, 0),
                                               .csv_columns = columns,
                                               .n_csv_columns = n};
        ck_assert_int_eq(weir_decoder_create(&decoder, &engine->decoders[t], &error), 0);
        weir_buffer_init(&engine->queues[t], WEIR_BUFFER_MAXIMUM);
        engine_edge(engine, t);
    }
    engine_merger(engine);
}

static inline void engine_merge(struct engine *engine, int task)
{
    struct weir_error error = {0};
    struct weir_buffer *queue = &engine->queues[task];
    struct weir_reader in = weir_reader_make(queue->data, queue->length);
    while (weir_reader_left(&in)) {
        struct weir_span key, value;
        key.data = weir_get_bytes(&in, &key.length);
        value.data = weir_get_bytes(&in, &value.length);
        ck_assert_msg(!weir_merger_accept(engine->merger, key, value, &error), "%s", error.message);
    }
    weir_buffer_reset(queue);
}

// Both are made anew from what they save, and save the same again.
static inline void engine_restart(struct engine *engine, int task)
{
    struct weir_buffer state, again;
    struct weir_error error = {0};
    for (int merger = 0; merger < 2; merger++) {
        weir_buffer_init(&state, WEIR_BUFFER_MAXIMUM);
        weir_buffer_init(&again, WEIR_BUFFER_MAXIMUM);
        int code;
        if (merger) {
            ck_assert_int_eq(weir_merger_save(engine->merger, &state), 0);
            weir_merger_destroy(engine->merger);
            engine_merger(engine);
            code = weir_merger_restore(engine->merger, state.data, state.length, &error);
            ck_assert_msg(!code, "%s", error.message);
            ck_assert_int_eq(weir_merger_save(engine->merger, &again), 0);
        } else {
            ck_assert_int_eq(weir_edge_task_save(engine->edges[task], &state), 0);
            weir_edge_task_destroy(engine->edges[task]);
            engine_edge(engine, task);
            code = weir_edge_task_restore(engine->edges[task], state.data, state.length, &error);
            ck_assert_msg(!code, "%s", error.message);
            ck_assert_int_eq(weir_edge_task_save(engine->edges[task], &again), 0);
        }
        ck_assert_uint_eq(state.length, again.length);
        ck_assert_int_eq(memcmp(state.data, again.data, state.length), 0);
        weir_buffer_free(&state);
        weir_buffer_free(&again);
    }
}

// Rows in the order of time, dealt to the tasks in turn.
static inline void engine_feed(struct engine *engine, const struct engine_row *rows, size_t n)
{
    struct weir_error error = {0};
    int tasks = engine->manner.tasks;
    size_t block = (size_t)engine->manner.batch * (size_t)tasks, round = 0;
    for (size_t from = 0; from < n; from += block, round++) {
        for (int t = 0; t < tasks; t++) {
            struct weir_decoder *decoder = engine->decoders[t];
            size_t taken = 0;
            weir_decoder_begin(decoder, "t", t);
            for (size_t i = from; i < n && i < from + block; i++) {
                char text[ENGINE_TEXT + 32];
                int task = rows[i].partition ? rows[i].partition - 1 : (int)i;
                if (task % tasks != t)
                    continue;
                int length =
                    snprintf(text, sizeof text, "%" PRId64 ",%s", rows[i].time, rows[i].text);
                struct weir_record record = {.offset = (int64_t)i,
                                             .value = {(const uint8_t *)text, (size_t)length}};
                ck_assert_int_eq(weir_decoder_add(decoder, &record, NULL, &error), 0);
                taken++;
            }
            engine->current = t;
            if (engine->idle[t] != !taken)
                ck_assert_int_eq(weir_edge_task_idle(engine->edges[t], !taken, &error), 0);
            engine->idle[t] = !taken;
            if (taken)
                ck_assert_msg(
                    !weir_edge_task_observe(engine->edges[t], weir_decoder_finish(decoder), &error),
                    "%s", error.message);
            engine_merge(engine, t);
        }
        if (engine->manner.restarts && round % 7 == 3)
            engine_restart(engine, (int)(round % (size_t)tasks));
    }
}

// What was said, which is the caller's.
static inline char *engine_stop(struct engine *engine)
{
    struct weir_error error = {0};
    for (int t = 0; t < engine->manner.tasks; t++) {
        engine->current = t;
        ck_assert_int_eq(weir_edge_task_finish(engine->edges[t], &error), 0);
        engine_merge(engine, t);
    }
    for (int t = 0; t < engine->manner.tasks; t++) {
        weir_edge_task_destroy(engine->edges[t]);
        weir_decoder_destroy(engine->decoders[t]);
        weir_buffer_free(&engine->queues[t]);
    }
    weir_merger_destroy(engine->merger);
    weir_plan_destroy(engine->plan);
    weir_config_free(engine->config);
    weir_plugins_destroy(engine->plugins);
    weir_buffer_byte(&engine->said, 0);
    return (char *)engine->said.data;
}

static inline char *engine_play(const char *yaml, const char *const *columns,
                                const struct engine_row *rows, size_t n,
                                const struct engine_manner *manner)
{
    struct engine engine;
    engine_start(&engine, yaml, columns, manner);
    engine_feed(&engine, rows, n);
    return engine_stop(&engine);
}

// Batches, tasks and restarts make no difference; what is said in any case is the caller's.
static inline char *engine_play_all(const char *yaml, const char *const *columns,
                                    const struct engine_row *rows, size_t n)
{
    static const struct engine_manner manners[] = {
        {.batch = 1}, {.batch = 4096}, {.tasks = 3}, {.tasks = 4, .batch = 7, .restarts = 1}};
    char *expected = engine_play(yaml, columns, rows, n, &(struct engine_manner){0});
    for (size_t m = 0; m < sizeof manners / sizeof *manners; m++) {
        char *got = engine_play(yaml, columns, rows, n, &manners[m]);
        ck_assert_msg(!strcmp(expected, got), "manner %zu: expected\n%.3000s\ngot\n%.3000s", m,
                      expected, got);
        free(got);
    }
    return expected;
}

static inline size_t engine_count(const char *said, const char *what)
{
    size_t n = 0;
    for (const char *at = said; (at = strstr(at, what)); at++)
        n++;
    return n;
}

static inline void engine_begins(const char *said, const char *with)
{
    ck_assert_msg(!strncmp(said, with, strlen(with)), "expected\n%s\ngot\n%.2000s", with, said);
}

static inline uint32_t engine_draw(uint64_t *seed, uint32_t below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33) % below;
}

#endif
