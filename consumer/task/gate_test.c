// SPDX-License-Identifier: Apache-2.0
// The gate: every record goes to one place, in order and untouched; what the circuit does hangs
// neither on batches nor on restarts.
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/alert/alert.h"
#include "consumer/host/plugins.h"
#include "consumer/task/task.h"

enum { ROWS = 6000, STEP = 100, STOP = 2024 };

// ---- a detector that knows bad records: x above 100

static int picky_create(const struct weir_detector_config *config, const struct weir_setup *setup,
                        void **instance, struct weir_error *error)
{
    struct weir_rule rule = {"range:x",    "schema.range",           1,
                             WEIR_WARNING, WEIR_ACTION_FIX_PRODUCER, WEIR_RULE_QUARANTINE};
    int code = setup->rule(setup, &rule, error);
    rule.name = "large:x";
    rule.flags = 0; // told, and held back by nobody
    if (code >= 0)
        code = setup->rule(setup, &rule, error);
    *instance = strdup(config->name);
    return code < 0 ? code : 0;
}

static int picky_edge(void *instance, void **out, struct weir_error *error)
{
    (void)instance;
    (void)error;
    *out = calloc(1, 1);
    return 0;
}

static int picky_observe(void *edge, const struct weir_batch *batch, const struct weir_edge *host,
                         struct weir_error *error)
{
    static uint32_t rows[WEIR_BATCH_ROWS];
    size_t n = 0;
    (void)edge;
    (void)error;
    for (unsigned rule = 2; rule-- > 0; n = 0) {
        for (uint32_t i = 0; i < batch->n_rows; i++) {
            if (batch->columns[1].state[i] == WEIR_STATE_VALUE &&
                batch->columns[1].values.f64[i] > (rule ? 10 : 100))
                rows[n++] = i;
        }
        host->flag(host, rule, rows, n);
    }
    return 0;
}

static int nothing_saved(const void *edge, struct weir_buffer *out)
{
    (void)edge;
    return out->failed;
}

static int nothing_restored(void *edge, uint32_t version, struct weir_reader *in,
                            struct weir_error *error)
{
    (void)edge;
    (void)version;
    (void)in;
    (void)error;
    return 0;
}

static const struct weir_option no_options[] = {{.key = NULL}};
static const char *const kinds[] = {"schema.range", NULL};
static const struct weir_plugin picky = {.abi_major = WEIR_ABI_MAJOR,
                                         .abi_minor = WEIR_ABI_MINOR,
                                         .size = sizeof picky,
                                         .name = "picky",
                                         .version = "1",
                                         .description = "dislikes large numbers",
                                         .options = no_options,
                                         .kinds = kinds,
                                         .state_version = 1,
                                         .create = picky_create,
                                         .destroy = free,
                                         .edge_create = picky_edge,
                                         .edge_destroy = free,
                                         .edge_observe = picky_observe,
                                         .edge_save = nothing_saved,
                                         .edge_restore = nothing_restored};

static const char configuration[] =
    "version: 1\napp: test\nstreams:\n  s:\n    topic: t\n    format: csv\n    time: at\n"
    "    fields:\n      at: {type: long}\n      x: {type: double}\n"
    "    gate: {topic: clean, quarantine_at_most: 5%%, over: 30s%s}\n"
    "alerts: {topic: a}\nquarantine: {topic: q}\ndetectors:\n"
    "  d: {type: picky, stream: s}\n";

// ---- a run

struct run {
    struct weir_plugins *plugins;
    struct weir_config *config;
    struct weir_plan *plan;
    struct weir_decoder *decoder;
    struct weir_edge_task *edge;
    struct weir_merger *merger;
    struct weir_buffer told, alerts; // what came out, a line each
    size_t clean, held, opened, resolved;
    int64_t last;         // offset
    char circuit[600];    // the sentence of the last weir.circuit_open
    int bad[ROWS];        // which are
    char fate[ROWS + 10]; // c: clean, q: held back
};

static int on_emission(void *context, const struct weir_emission *emission)
{
    struct run *run = context;
    struct weir_error error;
    if (emission->output == WEIR_OUTPUT_PARTIALS)
        return weir_merger_accept(run->merger, emission->key, emission->value, &error);
    if (emission->output == WEIR_OUTPUT_ALERTS) {
        const struct weir_alert *alert = emission->alert;
        weir_buffer_printf(&run->alerts, "%.*s\n", (int)emission->value.length,
                           (const char *)emission->value.data);
        if (strcmp(alert->finding.kind, "weir.circuit_open"))
            return 0;
        run->opened += alert->status == WEIR_ALERT_OPEN;
        run->resolved += alert->status == WEIR_ALERT_RESOLVED;
        snprintf(run->circuit, sizeof run->circuit, "%s", alert->finding.summary);
        ck_assert_int_eq(alert->finding.severity, WEIR_CRITICAL);
        return 0;
    }
    int clean = emission->output == WEIR_OUTPUT_CLEAN;
    int64_t offset = -1;
    ck_assert_int_eq(emission->partition, 3);
    ck_assert_int_eq(sscanf((const char *)emission->key.data, "k%" SCNd64, &offset), 1);
    ck_assert_int_eq(offset, run->last + 1); // each once, in order
    run->last = offset;
    ck_assert_int_eq(emission->timestamp, 7 * offset);
    ck_assert_int_eq(emission->n_headers, clean ? 0 : 7);
    run->fate[offset] = clean ? 'c' : 'q';
    run->clean += clean;
    run->held += !clean;
    weir_buffer_printf(&run->told, "%c %.*s\n", clean ? 'c' : 'q', (int)emission->value.length,
                       (const char *)emission->value.data);
    return 0;
}

static void make_tasks(struct run *run)
{
    struct weir_emitter emitter = {run, on_emission};
    struct weir_error error;
    ck_assert_int_eq(weir_merger_create(run->plan, 0, &emitter, &run->merger, &error), 0);
    ck_assert_int_eq(weir_edge_task_create(run->plan, 0, 0, 1, &emitter, &run->edge, &error), 0);
}

static void open_run(struct run *run, const char *more)
{
    static const char *const columns[] = {"at", "x"};
    struct weir_error error = {0};
    struct weir_problems problems = {0};
    char text[1000];
    snprintf(text, sizeof text, configuration, more);
    ck_assert_int_eq(weir_plugins_create(&run->plugins, &error), 0);
    ck_assert_int_eq(weir_plugins_add_static(run->plugins, &picky, &error), 0);
    ck_assert_int_eq(
        weir_config_parse(text, strlen(text), "test.yaml", run->plugins, &run->config, &problems),
        0);
    ck_assert_uint_eq(problems.n, 0);
    struct weir_plan_options options = {.config = run->config, .partials_partitions = 1};
    ck_assert_msg(!weir_plan_create(&options, &run->plan, &error), "%s", error.message);
    struct weir_decoder_options decode = {.format = WEIR_FORMAT_CSV,
                                          .builder = weir_plan_builder(run->plan, 0),
                                          .csv_columns = columns,
                                          .n_csv_columns = 2};
    ck_assert_int_eq(weir_decoder_create(&decode, &run->decoder, &error), 0);
}

static void close_run(struct run *run)
{
    weir_edge_task_destroy(run->edge);
    weir_merger_destroy(run->merger);
    weir_decoder_destroy(run->decoder);
    weir_plan_destroy(run->plan);
    weir_config_free(run->config);
    weir_plugins_destroy(run->plugins);
    run->edge = NULL;
    run->merger = NULL;
}

// With another configuration, where `more` is one.
static void reincarnate(struct run *run, const char *more)
{
    struct weir_buffer edge, merger;
    struct weir_error error;
    weir_buffer_init(&edge, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&merger, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_edge_task_save(run->edge, &edge), 0);
    ck_assert_int_eq(weir_merger_save(run->merger, &merger), 0);
    if (more) {
        close_run(run);
        open_run(run, more);
    } else {
        weir_edge_task_destroy(run->edge);
        weir_merger_destroy(run->merger);
    }
    make_tasks(run);
    for (size_t cut = 0; cut < edge.length; cut += 7) {
        struct weir_edge_task *broken;
        struct weir_emitter emitter = {run, on_emission};
        ck_assert_int_eq(weir_edge_task_create(run->plan, 0, 0, 1, &emitter, &broken, &error), 0);
        ck_assert_int_ne(weir_edge_task_restore(broken, edge.data, cut, &error), 0);
        weir_edge_task_destroy(broken);
    }
    ck_assert_int_eq(weir_edge_task_restore(run->edge, edge.data, edge.length, &error), 0);
    ck_assert_int_eq(weir_merger_restore(run->merger, merger.data, merger.length, &error), 0);
    weir_buffer_free(&edge);
    weir_buffer_free(&merger);
}

// Offsets from `from` on, until the end or until the gate stops them; returns the next offset.
static int64_t feed(struct run *run, int64_t from, int batch, int restart_every)
{
    static char text[ROWS][64], key[ROWS][16];
    struct weir_error error;
    int64_t next = from;
    for (int batches = 1; next < ROWS; batches++) {
        weir_decoder_begin(run->decoder, "t", 3);
        for (int i = 0; i < batch && next + i < ROWS; i++) {
            int64_t at = next + i;
            // Out of order by a little.
            int64_t time = 1700000000000 + at * STEP - at * 7919 % 900;
            int n = snprintf(text[at], sizeof *text, "%" PRId64 ",%d", time,
                             run->bad[at] ? 500 : (int)(at % 20));
            int k = snprintf(key[at], sizeof *key, "k%" PRId64, at);
            struct weir_record record = {.offset = at,
                                         .timestamp = 7 * at,
                                         .key = {(uint8_t *)key[at], (size_t)k},
                                         .value = {(uint8_t *)text[at], (size_t)n}};
            ck_assert_int_eq(weir_decoder_add(run->decoder, &record, NULL, &error), 0);
        }
        const struct weir_batch *made = weir_decoder_finish(run->decoder);
        int64_t end = next + made->n_rows;
        ck_assert_int_eq(weir_edge_task_observe(run->edge, made, &error), 0);
        if (weir_edge_task_stopped(run->edge, &next))
            return next;
        next = end;
        if (restart_every && batches % restart_every == 0)
            reincarnate(run, NULL);
    }
    return next;
}

static void finish(struct run *run)
{
    struct weir_error error;
    ck_assert_int_eq(weir_edge_task_finish(run->edge, &error), 0);
}

static void begin(struct run *run, const char *more)
{
    memset(run, 0, sizeof *run);
    run->last = -1;
    weir_buffer_init(&run->told, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&run->alerts, WEIR_BUFFER_MAXIMUM);
    // A sixth of the first few, half from row 2,000 to 3,000, else 1%.
    for (int i = 0; i < ROWS; i++)
        run->bad[i] = i < 48 ? i % 6 == 0 : i >= 2000 && i < 3000 ? i % 2 : i % 100 == 99;
    open_run(run, more);
    make_tasks(run);
}

static void end(struct run *run)
{
    close_run(run);
    weir_buffer_free(&run->told);
    weir_buffer_free(&run->alerts);
}

START_TEST(all_pass_while_too_many_are_bad)
{
    struct run run;
    begin(&run, ", at_least: 200");
    ck_assert_int_eq(feed(&run, 0, WEIR_BATCH_ROWS, 0), ROWS);
    finish(&run);
    ck_assert_int_eq(run.last, ROWS - 1);
    ck_assert_uint_eq(run.clean + run.held, ROWS);
    int first = -1, last = -1;
    for (int i = 0; i < ROWS; i++) {
        if (run.bad[i] && run.fate[i] == 'c') {
            first = first < 0 ? i : first;
            last = i;
        } else {
            ck_assert_int_eq(run.fate[i], run.bad[i] ? 'q' : 'c');
        }
    }
    // 30 s are 300 records; 60 are too few to open it.
    ck_assert_int_gt(first, 2000 + 20);
    ck_assert_int_lt(first, 2000 + 30);
    ck_assert_int_gt(last, 2990);
    ck_assert_int_lt(last, 3310);
    ck_assert_uint_eq(run.opened, 1);
    ck_assert_ptr_nonnull(strstr(run.circuit, "over 5% of the records within 30 s are bad"));
    end(&run);
}
END_TEST

static const struct {
    int batch, restart_every;
} ways[] = {{1, 0}, {7, 0}, {100, 0}, {333, 0}, {1000, 1}, {64, 5}, {1, 97}};

static void same_in_all_ways(const char *more, int64_t stops_at)
{
    struct run whole;
    begin(&whole, more);
    ck_assert_int_eq(feed(&whole, 0, WEIR_BATCH_ROWS, 0), stops_at);
    finish(&whole);
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        struct run run;
        begin(&run, more);
        ck_assert_int_eq(feed(&run, 0, ways[w].batch, ways[w].restart_every), stops_at);
        finish(&run);
        ck_assert_uint_eq(run.told.length, whole.told.length);
        ck_assert_mem_eq(run.told.data, whole.told.data, run.told.length);
        ck_assert_uint_eq(run.alerts.length, whole.alerts.length);
        ck_assert_mem_eq(run.alerts.data, whole.alerts.data, run.alerts.length);
        end(&run);
    }
    end(&whole);
}

START_TEST(neither_batches_nor_restarts_matter)
{
    same_in_all_ways("", ROWS);
    same_in_all_ways(", at_least: 200", ROWS);
    same_in_all_ways(", at_least: 200, beyond: stop", STOP);
}
END_TEST

START_TEST(it_stops_at_the_record_and_goes_on_when_told)
{
    struct run run;
    begin(&run, ", at_least: 200, beyond: stop");
    int64_t next = feed(&run, 0, 1000, 0);
    ck_assert_int_eq(next, STOP);
    ck_assert_int_eq(run.last, STOP - 1); // which was bad, and held back
    ck_assert_int_eq(run.fate[STOP - 1], 'q');
    // The alert comes although no record ends its pane.
    ck_assert_uint_eq(run.opened, 1);
    ck_assert_ptr_nonnull(strstr(run.circuit, "stopped 1 partition"));
    ck_assert_ptr_nonnull(strstr(run.circuit, "offset 2023"));
    // A restart changes nothing.
    reincarnate(&run, NULL);
    ck_assert_int_eq(weir_edge_task_stopped(run.edge, &next), 1);
    ck_assert_int_eq(feed(&run, next, 100, 0), STOP);
    ck_assert_int_eq(run.last, STOP - 1);
    reincarnate(&run, ", at_least: 200, beyond: stop, resume: 1");
    ck_assert_int_eq(weir_edge_task_stopped(run.edge, &next), 0);
    next = feed(&run, STOP, 100, 0);
    ck_assert_int_eq(next, STOP + 200);
    reincarnate(&run, ", at_least: 200, beyond: pass");
    ck_assert_int_eq(feed(&run, next, 100, 0), ROWS);
    finish(&run);
    ck_assert_int_eq(run.last, ROWS - 1);
    ck_assert_uint_eq(run.clean + run.held, ROWS);
    ck_assert_uint_eq(run.opened, 1); // one incident, from the first stop on
    ck_assert_uint_eq(run.resolved, 0);
    end(&run);
}
END_TEST

START_TEST(nothing_goes_out_that_did_before)
{
    struct run run;
    begin(&run, ", at_least: 200, beyond: stop");
    weir_edge_task_suppress(run.edge, 1);
    // What was committed is behind us, whatever the gate would say now.
    ck_assert_int_eq(feed(&run, 0, 1000, 0), ROWS);
    ck_assert_uint_eq(run.told.length, 0);
    end(&run);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gate");
    TCase *tcase = tcase_create("gate");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, all_pass_while_too_many_are_bad);
    tcase_add_test(tcase, neither_batches_nor_restarts_matter);
    tcase_add_test(tcase, it_stops_at_the_record_and_goes_on_when_told);
    tcase_add_test(tcase, nothing_goes_out_that_did_before);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
