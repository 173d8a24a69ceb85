// SPDX-License-Identifier: Apache-2.0
// The engine's promises, on random streams and a detector that uses every part of the ABI: what
// comes out depends neither on where batches end, nor on how tasks interleave, nor on how often
// state was saved and restored.
#include "consumer/task/task.h"

#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/alert/alert.h"
#include "consumer/host/plugins.h"
#include "consumer/task/partial.h"
#include "consumer/task/plan.h"
#include "stats/reservoir.h"

enum { RECORDS = 6000, TASKS = 4, SAMPLE = 20, SEEDS = 3 };

// Holds for each record or window. Check's own assertions write to a file whenever they are passed.
#define EACH(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("%s does not hold", #condition);                                          \
    } while (0)

// ---- a detector: flags amounts over 90, hands on counts by pane, remembers windows

struct instance {
    int amount, rule;
};

static int probe_create(const struct weir_detector_config *config, const struct weir_setup *setup,
                        void **out, struct weir_error *error)
{
    struct instance *made = calloc(1, sizeof *made);
    struct weir_rule rule = {"high:amount", "schema.range",           0,
                             WEIR_WARNING,  WEIR_ACTION_FIX_PRODUCER, WEIR_RULE_QUARANTINE};
    for (size_t f = 0; f < config->stream->n_fields; f++) {
        if (!strcmp(config->stream->fields[f].name, "amount"))
            made->amount = (int)f;
    }
    rule.field = made->amount;
    // The others of the stream are its peers.
    size_t hopping = strcmp(config->name, "tumbling") != 0 ? 1 : 0;
    ck_assert_uint_eq(config->n_peers, 2);
    ck_assert_str_eq(config->peers[0].name, hopping ? "tumbling" : "hopping");
    ck_assert_str_eq(config->peers[1].type, "probe");
    if (!hopping) {
        ck_assert_int_eq(config->peers[0].window_hop, 60000);
        ck_assert_int_eq(config->peers[1].window_hop, 0);
        ck_assert_uint_eq(config->peers[0].n_by, 1);
        ck_assert_str_eq(config->peers[0].by[0][0], "route");
    }
    made->rule = setup->rule(setup, &rule, error);
    int code = made->rule < 0 ? made->rule : 0;
    for (unsigned by = 0; by <= config->n_by && !code; by++)
        code = setup->need(setup, by, made->amount, WEIR_PART_MOMENTS, error);
    if (!code)
        code = setup->sample(setup, SAMPLE, error);
    ck_assert_ptr_null(setup->reference_sample(setup, 0));
    *out = made;
    return code;
}

static void probe_destroy(void *instance)
{
    free(instance);
}

struct edge {
    const struct instance *of;
    int64_t seen, pane_seen[8], pane[8];
};

static int edge_create(void *instance, void **edge, struct weir_error *error)
{
    (void)error;
    struct edge *made = calloc(1, sizeof *made);
    made->of = instance;
    for (int i = 0; i < 8; i++)
        made->pane[i] = INT64_MIN;
    *edge = made;
    return 0;
}

static int edge_observe(void *state, const struct weir_batch *batch, const struct weir_edge *host,
                        struct weir_error *error)
{
    (void)error;
    struct edge *edge = state;
    uint32_t rows[WEIR_BATCH_ROWS], n = 0, left_out[WEIR_BATCH_ROWS], n_left_out = 0;
    const struct weir_column *amount = &batch->columns[edge->of->amount];
    for (uint32_t i = 0; i < batch->n_rows; i++) {
        if (amount->state[i] == WEIR_STATE_VALUE && amount->values.f64[i] > 90)
            rows[n++] = i;
        if (amount->state[i] == WEIR_STATE_VALUE && amount->values.f64[i] < 0.3)
            left_out[n_left_out++] = i;
        // Never of a pane before its own, but for records that wait to be confirmed or are refused.
        int64_t gap = batch->time[i] - host->pane[i];
        EACH(host->pane[i] < 1000000 || gap < 60000 || gap > 1800000);
        int at = 0;
        while (at < 8 && edge->pane[at] != host->pane[i])
            at++;
        if (at == 8) {
            for (at = 0; edge->pane[at] != INT64_MIN; at++)
                EACH(at < 7);
            edge->pane[at] = host->pane[i];
            edge->pane_seen[at] = 0;
        }
        edge->pane_seen[at]++;
        edge->seen++;
    }
    host->flag(host, (unsigned)edge->of->rule, rows, n);
    host->limit_rows(host, "nothing", left_out, n_left_out);
    return 0;
}

// What was seen in all so far is in it, so that a pane that closes at another record shows.
static int edge_close(void *state, int64_t start, int64_t end, struct weir_buffer *out,
                      struct weir_error *error)
{
    (void)error;
    (void)end;
    struct edge *edge = state;
    for (int at = 0; at < 8; at++) {
        if (edge->pane[at] == start) {
            weir_put_long(out, edge->pane_seen[at]);
            weir_put_long(out, edge->seen);
            edge->pane[at] = INT64_MIN;
        }
    }
    return 0;
}

static int edge_save(const void *state, struct weir_buffer *out)
{
    const struct edge *edge = state;
    weir_put_long(out, edge->seen);
    for (int i = 0; i < 8; i++) {
        weir_put_long(out, edge->pane[i]);
        weir_put_long(out, edge->pane_seen[i]);
    }
    return 0;
}

static int edge_restore(void *state, uint32_t version, struct weir_reader *in,
                        struct weir_error *error)
{
    (void)version;
    struct edge *edge = state;
    edge->seen = weir_get_long(in);
    for (int i = 0; i < 8; i++) {
        edge->pane[i] = weir_get_long(in);
        edge->pane_seen[i] = weir_get_long(in);
    }
    return in->failed ? weir_error_set(error, WEIR_ECORRUPT, "short") : 0;
}

struct owner {
    const struct instance *of;
    int64_t windows;
    double last;
};

static int owner_create(void *instance, void **owner, struct weir_error *error)
{
    (void)error;
    struct owner *made = calloc(1, sizeof *made);
    made->of = instance;
    *owner = made;
    return 0;
}

// Of the amounts in the window's sample.
static double sample_sum(const struct weir_window *window)
{
    const struct weir_reservoir *sample = window->sample(window);
    struct weir_rows rows;
    EACH(!window->reference_sample(window, 0));
    EACH(weir_reservoir_seen(sample) == window->rows);
    EACH(weir_reservoir_rows(sample) == (window->rows < SAMPLE ? window->rows : SAMPLE));
    EACH(!weir_rows_make(sample, &rows));
    const struct weir_rows_column *amount = weir_rows_find(&rows, "amount");
    double sum = 0;
    for (size_t i = 0; i < rows.n; i++)
        sum += amount->state[i] == WEIR_STATE_VALUE ? amount->number[i] : 0;
    weir_rows_free(&rows);
    return sum;
}

static void check_panes(const struct owner *owner, const struct weir_window *window)
{
    uint64_t rows = 0;
    if (!window->n_panes) // it counts records
        return;
    EACH((int64_t)window->n_panes * window->pane == window->end - window->start);
    for (size_t i = 0; i < window->n_panes; i++)
        rows += window->pane_summary(window, i, owner->of->amount)->rows;
    EACH(rows == window->rows);
    EACH(!window->pane_summary(window, window->n_panes, owner->of->amount));
}

static int owner_window(void *state, const struct weir_window *window, struct weir_error *error)
{
    (void)error;
    struct owner *owner = state;
    int64_t handed = 0, seen = 0;
    double sampled = sample_sum(window), before = owner->last;
    EACH(window->complete > window->start && window->complete <= window->end);
    check_panes(owner, window);
    for (size_t i = 0; i < window->n_extracts; i++) {
        struct weir_reader in =
            weir_reader_make(window->extracts[i].data, window->extracts[i].length);
        handed += weir_get_long(&in);
        seen += weir_get_long(&in);
        EACH(!in.failed);
    }
    for (size_t s = 0; s < window->n_slices; s++) {
        const struct weir_summary *amount = window->summary(window, s, owner->of->amount);
        EACH(amount);
        EACH(amount->rows == window->slices[s].rows);
        double sum = weir_moments_mean(&amount->moments, NULL) * (double)amount->moments.n;
        if (!s)
            owner->last = sum;
        if (amount->rows % 2 == 0) // most: there are days without records
            continue;
        char text[200];
        snprintf(text, sizeof text,
                 "%s: %" PRIu64 " rows, sum %.6f, %" PRId64 " handed, %" PRId64
                 " seen, window %" PRId64 " less %" PRId64 " ms, before %.6f, sample %.6f",
                 s ? window->slices[s].values[0].value : "all", amount->rows, sum, handed, seen,
                 owner->windows, window->end - window->complete, before, sampled);
        struct weir_finding finding = {.size = sizeof finding,
                                       .rule = "sum",
                                       .kind = "drift.feature",
                                       .slice = s ? window->slices[s].values : NULL,
                                       .n_slice = s ? window->slices[s].n_values : 0,
                                       .severity = WEIR_INFO + (window->rows % 3 == 0),
                                       .share = 0.5,
                                       .summary = text};
        window->emit(window, &finding);
    }
    owner->windows++;
    return 0;
}

static int owner_save(const void *state, struct weir_buffer *out)
{
    const struct owner *owner = state;
    weir_put_long(out, owner->windows);
    weir_put_double(out, owner->last);
    return 0;
}

static int owner_restore(void *state, uint32_t version, struct weir_reader *in,
                         struct weir_error *error)
{
    (void)version;
    struct owner *owner = state;
    owner->windows = weir_get_long(in);
    owner->last = weir_get_double(in);
    return in->failed ? weir_error_set(error, WEIR_ECORRUPT, "short") : 0;
}

static const struct weir_option no_options[] = {{.key = NULL}};
static const char *const kinds[] = {"schema.range", "drift.feature", NULL};

static const struct weir_plugin probe = {
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .size = sizeof probe,
    .name = "probe",
    .version = "1",
    .description = "uses every part of the ABI",
    .options = no_options,
    .kinds = kinds,
    .state_version = 1,
    .create = probe_create,
    .destroy = probe_destroy,
    .edge_create = edge_create,
    .edge_destroy = probe_destroy,
    .edge_observe = edge_observe,
    .edge_close = edge_close,
    .edge_save = edge_save,
    .edge_restore = edge_restore,
    .owner_create = owner_create,
    .owner_destroy = probe_destroy,
    .owner_window = owner_window,
    .owner_save = owner_save,
    .owner_restore = owner_restore,
};

static const char configuration[] =
    "version: 1\n"
    "app: test\n"
    "streams:\n"
    "  s:\n"
    "    topic: t\n"
    "    format: csv\n"
    "    time: at\n"
    "    fields:\n"
    "      at: {type: long}\n"
    "      amount: {type: double}\n"
    "      route: {type: string, role: slice}\n"
    "alerts: {topic: a}\n"
    "quarantine: {topic: q}\n"
    "limits: {slices: 6}\n"
    "detectors:\n"
    "  tumbling: {type: probe, stream: s, window: {size: 1m, lateness: 5s}}\n"
    "  hopping: {type: probe, stream: s, by: [route], window: {size: 3m, hop: 1m, lateness: 20s}}\n"
    "  counted: {type: probe, stream: s, window: {records: 500}}\n";

// ---- a run: tasks, mergers, and what came out

struct run {
    struct weir_plugins *plugins;
    struct weir_config *config;
    struct weir_plan *plan;
    struct weir_edge_task *edges[TASKS];
    struct weir_merger *mergers[8];
    struct weir_decoder *decoders[TASKS];
    uint32_t partitions;
    char **alerts; // sorted at the end
    size_t n_alerts, quarantined;
    // Partials of each task that its mergers have not read yet.
    struct weir_buffer queue[TASKS];
    size_t at[TASKS];
    int current; // task under way
};

static int on_edge(void *context, const struct weir_emission *emission)
{
    struct run *run = context;
    if (emission->output == WEIR_OUTPUT_PARTIALS) {
        struct weir_buffer *queue = &run->queue[run->current];
        weir_put_long(queue, emission->partition);
        weir_put_bytes(queue, emission->key.data, emission->key.length);
        weir_put_bytes(queue, emission->value.data, emission->value.length);
        return queue->failed;
    }
    run->quarantined += emission->output == WEIR_OUTPUT_QUARANTINE;
    return 0;
}

static int on_merger(void *context, const struct weir_emission *emission)
{
    struct run *run = context;
    if (emission->output != WEIR_OUTPUT_ALERTS)
        return 0;
    run->alerts = realloc(run->alerts, (run->n_alerts + 1) * sizeof *run->alerts);
    char *text = calloc(emission->value.length + 1, 1);
    memcpy(text, emission->value.data, emission->value.length);
    run->alerts[run->n_alerts++] = text;
    return 0;
}

static void make_edge(struct run *run, int task)
{
    struct weir_error error = {0};
    struct weir_emitter emitter = {run, on_edge};
    ck_assert_msg(
        !weir_edge_task_create(run->plan, 0, task, TASKS, &emitter, &run->edges[task], &error),
        "%s", error.message);
}

static void make_merger(struct run *run, uint32_t partition)
{
    struct weir_error error = {0};
    struct weir_emitter emitter = {run, on_merger};
    ck_assert_msg(!weir_merger_create(run->plan, (int32_t)partition, &emitter,
                                      &run->mergers[partition], &error),
                  "%s", error.message);
}

static void start(struct run *run, uint32_t partitions)
{
    static const char *const columns[] = {"at", "amount", "route"};
    struct weir_error error = {0};
    struct weir_problems problems = {0};
    memset(run, 0, sizeof *run);
    run->partitions = partitions;
    ck_assert_int_eq(weir_plugins_create(&run->plugins, &error), 0);
    ck_assert_int_eq(weir_plugins_add_static(run->plugins, &probe, &error), 0);
    int code = weir_config_parse(configuration, strlen(configuration), "test.yaml", run->plugins,
                                 &run->config, &problems);
    if (code)
        weir_problems_print(&problems, "test.yaml", stderr);
    ck_assert_int_eq(code, 0);
    weir_problems_free(&problems);
    struct weir_plan_options options = {.config = run->config, .partials_partitions = partitions};
    ck_assert_msg(!weir_plan_create(&options, &run->plan, &error), "%s", error.message);
    for (int t = 0; t < TASKS; t++) {
        struct weir_decoder_options decoder = {.format = WEIR_FORMAT_CSV,
                                               .builder = weir_plan_builder(run->plan, 0),
                                               .csv_columns = columns,
                                               .n_csv_columns = 3};
        ck_assert_int_eq(weir_decoder_create(&decoder, &run->decoders[t], &error), 0);
        weir_buffer_init(&run->queue[t], WEIR_BUFFER_MAXIMUM);
        make_edge(run, t);
    }
    for (uint32_t p = 0; p < partitions; p++)
        make_merger(run, p);
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// All alerts, sorted: their order between incidents of different windows is not promised.
static char *stop(struct run *run)
{
    struct weir_buffer all;
    weir_buffer_init(&all, WEIR_BUFFER_MAXIMUM);
    if (run->n_alerts)
        qsort(run->alerts, run->n_alerts, sizeof *run->alerts, compare_lines);
    for (size_t i = 0; i < run->n_alerts; i++) {
        weir_buffer_append(&all, run->alerts[i], strlen(run->alerts[i]));
        weir_buffer_byte(&all, '\n');
        free(run->alerts[i]);
    }
    weir_buffer_printf(&all, "%zu quarantined", run->quarantined);
    weir_buffer_byte(&all, 0);
    for (int t = 0; t < TASKS; t++) {
        weir_edge_task_destroy(run->edges[t]);
        weir_decoder_destroy(run->decoders[t]);
        weir_buffer_free(&run->queue[t]);
    }
    for (uint32_t p = 0; p < run->partitions; p++)
        weir_merger_destroy(run->mergers[p]);
    free(run->alerts);
    weir_plan_destroy(run->plan);
    weir_config_free(run->config);
    weir_plugins_destroy(run->plugins);
    return (char *)all.data;
}

// ---- random records: out of order, late, some far off, a pause, and in the end days ahead

struct record {
    char text[64];
    int64_t written; // Kafka timestamp; 0: none
};
static struct record records[TASKS][RECORDS / TASKS];

static uint64_t seed;
static uint32_t draw(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % below;
}

static void make_records(uint64_t with)
{
    seed = with;
    for (int t = 0; t < TASKS; t++) {
        int64_t now = 1700000000000 + draw(5000);
        uint32_t burst = 0;
        for (int i = 0; i < RECORDS / TASKS; i++) {
            now += draw(900);
            if (i == RECORDS / TASKS / 2)
                now += 1000000;
            int64_t at = now - (draw(4) ? 0 : draw(30000));
            if (draw(400) == 0)
                at = draw(2) ? 4102444800000 : 1000;
            records[t][i].written = i / 300 % 2 ? now + draw(1000) : 0;
            // A row of them too, of which now and then one, or all, are not so far ahead.
            if (burst || (burst = draw(150) ? 0 : 1 + draw(33)))
                at = now + (draw(20) ? 50 : 2) * (int64_t)3600000, burst--;
            if (i >= RECORDS / TASKS - 80)
                at = now + 9 * (int64_t)86400000;
            snprintf(records[t][i].text, sizeof records[t][i].text, "%" PRId64 ",%u.%u,r%u", at,
                     draw(95), draw(10), draw(20) ? draw(4) : draw(12));
        }
    }
}

static void feed(struct run *run, int task, size_t *at, uint32_t n)
{
    struct weir_error error = {0};
    struct weir_decoder *decoder = run->decoders[task];
    weir_decoder_begin(decoder, "t", task);
    for (uint32_t i = 0; i < n && *at < RECORDS / TASKS; i++) {
        const char *text = records[task][*at].text;
        struct weir_record record = {.offset = (int64_t)*at,
                                     .timestamp = records[task][*at].written,
                                     .value = {(const uint8_t *)text, strlen(text)}};
        EACH(!weir_decoder_add(decoder, &record, NULL, &error));
        (*at)++;
    }
    run->current = task;
    ck_assert_msg(!weir_edge_task_observe(run->edges[task], weir_decoder_finish(decoder), &error),
                  "%s", error.message);
}

// Some partials of one task to the mergers, in its own order.
static void merge_some(struct run *run, int task, uint32_t n)
{
    struct weir_error error = {0};
    struct weir_buffer *queue = &run->queue[task];
    if (!queue->length)
        return;
    struct weir_reader in =
        weir_reader_make(queue->data + run->at[task], queue->length - run->at[task]);
    while (n-- && weir_reader_left(&in)) {
        struct weir_span key, value;
        int64_t partition = weir_get_long(&in);
        key.data = weir_get_bytes(&in, &key.length);
        value.data = weir_get_bytes(&in, &value.length);
        ck_assert_msg(!weir_merger_accept(run->mergers[partition], key, value, &error), "%s",
                      error.message);
    }
    run->at[task] = queue->length - weir_reader_left(&in);
}

static void reincarnate_edge(struct run *run, int task)
{
    struct weir_buffer state, again;
    struct weir_error error = {0};
    weir_buffer_init(&state, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&again, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_edge_task_save(run->edges[task], &state), 0);
    weir_edge_task_destroy(run->edges[task]);
    make_edge(run, task);
    ck_assert_msg(!weir_edge_task_restore(run->edges[task], state.data, state.length, &error), "%s",
                  error.message);
    ck_assert_int_eq(weir_edge_task_save(run->edges[task], &again), 0);
    ck_assert_uint_eq(state.length, again.length);
    ck_assert_int_eq(memcmp(state.data, again.data, state.length), 0);
    weir_buffer_free(&state);
    weir_buffer_free(&again);
}

static void reincarnate_merger(struct run *run, uint32_t partition)
{
    struct weir_buffer state, again;
    struct weir_error error = {0};
    weir_buffer_init(&state, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&again, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_merger_save(run->mergers[partition], &state), 0);
    weir_merger_destroy(run->mergers[partition]);
    make_merger(run, partition);
    ck_assert_msg(!weir_merger_restore(run->mergers[partition], state.data, state.length, &error),
                  "%s", error.message);
    ck_assert_int_eq(weir_merger_save(run->mergers[partition], &again), 0);
    ck_assert_uint_eq(state.length, again.length);
    ck_assert_int_eq(memcmp(state.data, again.data, state.length), 0);
    weir_buffer_free(&state);
    weir_buffer_free(&again);
}

struct manner {
    uint32_t batch, partitions; // batch 0: random sizes
    int interleave, reincarnate;
    uint64_t seed;
};

static char *play(const struct manner *manner)
{
    struct run run;
    size_t at[TASKS] = {0};
    struct weir_error error;
    start(&run, manner->partitions);
    seed = manner->seed;
    for (size_t left = RECORDS; left;) {
        int task = (int)draw(TASKS);
        if (at[task] == RECORDS / TASKS)
            continue;
        size_t before = at[task];
        feed(&run, task, &at[task], manner->batch ? manner->batch : 1 + draw(300));
        left -= at[task] - before;
        if (manner->reincarnate && draw(6) == 0)
            reincarnate_edge(&run, (int)draw(TASKS));
        for (uint32_t k = manner->interleave ? draw(5) : 0; k > 0; k--)
            merge_some(&run, (int)draw(TASKS), 1 + draw(40));
        if (manner->reincarnate && draw(6) == 0)
            reincarnate_merger(&run, draw(manner->partitions));
    }
    for (int t = 0; t < TASKS; t++) {
        run.current = t;
        ck_assert_int_eq(weir_edge_task_finish(run.edges[t], &error), 0);
    }
    for (int t = 0; t < TASKS; t++)
        merge_some(&run, TASKS - 1 - t, UINT32_MAX);
    return stop(&run);
}

// Check cannot hold the whole texts.
static void first_difference(const char *expected, const char *got)
{
    size_t line = 0;
    for (size_t i = 0; expected[i] || got[i]; i++) {
        if (expected[i] == '\n' && got[i] == '\n')
            line = i + 1;
        if (expected[i] != got[i])
            ck_abort_msg("expected\n%.1500s\ngot\n%.1500s", expected + line, got + line);
    }
}

// What comes out of each stream in plain batches, without interleaving or restarts: made once,
// before the tests fork.
static char *plain[SEEDS];

static void play_plain(void)
{
    for (uint64_t with = 1; with <= SEEDS; with++) {
        make_records(with);
        char *all = play(&(struct manner){.batch = 64, .partitions = 1, .seed = 1});
        ck_assert_uint_gt(strlen(all), 2000);
        ck_assert_ptr_nonnull(strstr(all, "weir.limit"));
        ck_assert_ptr_nonnull(strstr(all, "are far ahead of the others"));
        ck_assert_ptr_nonnull(strstr(all, " d ahead, from one record"));
        plain[with - 1] = all;
    }
}

static void free_plain(void)
{
    for (int i = 0; i < SEEDS; i++)
        free(plain[i]);
}

static void same_answer(const struct manner *manner)
{
    for (uint64_t with = 1; with <= SEEDS; with++) {
        make_records(with);
        char *got = play(manner);
        first_difference(plain[with - 1], got);
        free(got);
    }
}

START_TEST(batches_do_not_matter)
{
    same_answer(&(struct manner){.batch = 1, .partitions = 1, .seed = 2});
    same_answer(&(struct manner){.batch = 4096, .partitions = 1, .seed = 3});
    same_answer(&(struct manner){.partitions = 1, .seed = 4});
}
END_TEST

START_TEST(interleaving_does_not_matter)
{
    same_answer(&(struct manner){.partitions = 1, .interleave = 1, .seed = 5});
    same_answer(&(struct manner){.partitions = 8, .interleave = 1, .seed = 6});
}
END_TEST

START_TEST(restarts_do_not_matter)
{
    same_answer(&(struct manner){.partitions = 1, .reincarnate = 1, .seed = 7});
    same_answer(&(struct manner){.partitions = 8, .interleave = 1, .reincarnate = 1, .seed = 8});
}
END_TEST

START_TEST(broken_state_is_refused)
{
    struct run run;
    struct weir_error error;
    size_t at = 0;
    make_records(9);
    start(&run, 1);
    feed(&run, 0, &at, 700);
    merge_some(&run, 0, 30);
    struct weir_buffer edge, merger;
    weir_buffer_init(&edge, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&merger, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_edge_task_save(run.edges[0], &edge), 0);
    ck_assert_int_eq(weir_merger_save(run.mergers[0], &merger), 0);
    for (size_t n = 0; n < edge.length; n += 1 + n / 40) {
        uint8_t *cut = malloc(n ? n : 1);
        memcpy(cut, edge.data, n);
        weir_edge_task_destroy(run.edges[0]);
        make_edge(&run, 0);
        ck_assert_int_ne(weir_edge_task_restore(run.edges[0], cut, n, &error), 0);
        free(cut);
    }
    for (size_t n = 0; n < merger.length; n += 1 + n / 40) {
        uint8_t *cut = malloc(n ? n : 1);
        memcpy(cut, merger.data, n);
        weir_merger_destroy(run.mergers[0]);
        make_merger(&run, 0);
        ck_assert_int_ne(weir_merger_restore(run.mergers[0], cut, n, &error), 0);
        free(cut);
    }
    // Bytes that were changed must not crash it, whatever they say.
    for (size_t i = 0; i < merger.length; i += 1 + merger.length / 300) {
        uint8_t kept = merger.data[i];
        merger.data[i] ^= (uint8_t)(1u << (i % 8));
        weir_merger_destroy(run.mergers[0]);
        make_merger(&run, 0);
        weir_merger_restore(run.mergers[0], merger.data, merger.length, &error);
        merger.data[i] = kept;
    }
    weir_buffer_free(&edge);
    weir_buffer_free(&merger);
    free(stop(&run));
}
END_TEST

static int offer(struct run *run, const struct weir_partial *partial)
{
    struct weir_buffer out;
    struct weir_error error;
    struct weir_span key = {0};
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_partial_write(partial, &out), 0);
    int code =
        weir_merger_accept(run->mergers[0], key, (struct weir_span){out.data, out.length}, &error);
    weir_buffer_free(&out);
    return code;
}

// A window of records of which only another configuration knows has no first record; nor do times
// come in that the state of incidents would not take back.
START_TEST(state_of_odd_windows_is_restored)
{
    struct run run;
    struct weir_error error;
    struct weir_buffer state;
    start(&run, 1);
    const struct weir_plan_stream *stream = &run.plan->streams[0];
    struct weir_partial pane = {.type = WEIR_PARTIAL_PANE, .end = 5000, .sequence = 3, .hash = 1};
    for (size_t i = 0; i < stream->n_specs; i++) {
        if (stream->specs[i].window.records)
            pane.key = stream->specs[i].key;
    }
    ck_assert_int_eq(offer(&run, &pane), 0);
    struct weir_partial control = {
        .type = WEIR_PARTIAL_CONTROL, .key = "s", .end = 90000, .tasks = 1, .hash = 1};
    ck_assert_int_eq(offer(&run, &control), 0);
    weir_buffer_init(&state, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_merger_save(run.mergers[0], &state), 0);
    weir_merger_destroy(run.mergers[0]);
    make_merger(&run, 0);
    ck_assert_msg(!weir_merger_restore(run.mergers[0], state.data, state.length, &error), "%s",
                  error.message);
    weir_buffer_free(&state);
    for (int sign = -1; sign <= 1; sign += 2) {
        pane.end = control.end = sign * (INT64_C(1) << 61);
        ck_assert_int_eq(offer(&run, &pane), WEIR_ECORRUPT);
        ck_assert_int_eq(offer(&run, &control), WEIR_ECORRUPT);
    }
    free(stop(&run));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("task");
    TCase *cases = tcase_create("task");
    tcase_set_timeout(cases, 600);
    tcase_add_unchecked_fixture(cases, play_plain, free_plain);
    tcase_add_test(cases, batches_do_not_matter);
    tcase_add_test(cases, interleaving_does_not_matter);
    tcase_add_test(cases, restarts_do_not_matter);
    tcase_add_test(cases, broken_state_is_refused);
    tcase_add_test(cases, state_of_odd_windows_is_restored);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
