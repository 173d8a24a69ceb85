// SPDX-License-Identifier: Apache-2.0
// A detector that fails, at the edge or as an owner: it is backed off, then disabled, an alert
// says so, and everything else goes on.
#include "consumer/task/task.h"

#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/alert/alert.h"
#include "consumer/host/plugins.h"

enum { WINDOWS = 120, STEP = 1000 }; // windows of 10 s, a record a second

// ---- detectors whose names say where they fail: "edge...", "owner...", "...once"

struct role {
    int fails, once;
    int64_t calls, failures, rows, at[64]; // at: where it failed
};

static struct role edges, owners, steady; // what was called, over all tasks

static int flaky_create(const struct weir_detector_config *config, const struct weir_setup *setup,
                        void **instance, struct weir_error *error)
{
    *instance = strdup(config->name);
    return setup->need(setup, 0, 1, WEIR_PART_MOMENTS, error);
}

static int make_role(const char *name, const char *prefix, void **out)
{
    struct role *role = calloc(1, sizeof *role);
    role->fails = !strncmp(name, prefix, strlen(prefix));
    role->once = strstr(name, "once") != NULL;
    *out = role;
    return 0;
}

static int edge_create(void *instance, void **out, struct weir_error *error)
{
    (void)error;
    return make_role(instance, "edge", out);
}

static int owner_create(void *instance, void **out, struct weir_error *error)
{
    (void)error;
    return make_role(instance, "owner", out);
}

static int called(struct role *role, struct role *all, int64_t time, uint64_t rows,
                  struct weir_error *error)
{
    if (!role->fails) {
        steady.rows += (int64_t)rows;
        return 0;
    }
    role->calls++;
    all->calls++;
    all->rows += (int64_t)rows;
    if (role->once && role->calls > 1)
        return 0;
    ck_assert_int_lt(all->failures, 64);
    all->at[all->failures++] = time;
    return weir_error_set(error, WEIR_EINVAL, "it does not like this");
}

static int edge_observe(void *edge, const struct weir_batch *batch, const struct weir_edge *host,
                        struct weir_error *error)
{
    (void)host;
    return called(edge, &edges, batch->time[0], 0, error);
}

static int owner_window(void *owner, const struct weir_window *window, struct weir_error *error)
{
    return called(owner, &owners, window->start, window->rows, error);
}

static int save(const void *state, struct weir_buffer *out)
{
    return weir_put_long(out, ((const struct role *)state)->calls);
}

static int restore(void *state, uint32_t version, struct weir_reader *in, struct weir_error *error)
{
    (void)version;
    ((struct role *)state)->calls = weir_get_long(in);
    return in->failed ? weir_error_set(error, WEIR_ECORRUPT, "short") : 0;
}

static const struct weir_option no_options[] = {{.key = NULL}};
static const char *const kinds[] = {"drift.feature", NULL};
static const struct weir_plugin flaky = {.abi_major = WEIR_ABI_MAJOR,
                                         .abi_minor = WEIR_ABI_MINOR,
                                         .size = sizeof flaky,
                                         .name = "flaky",
                                         .version = "1",
                                         .description = "fails",
                                         .options = no_options,
                                         .kinds = kinds,
                                         .state_version = 1,
                                         .create = flaky_create,
                                         .destroy = free,
                                         .edge_create = edge_create,
                                         .edge_destroy = free,
                                         .edge_observe = edge_observe,
                                         .edge_save = save,
                                         .edge_restore = restore,
                                         .owner_create = owner_create,
                                         .owner_destroy = free,
                                         .owner_window = owner_window,
                                         .owner_save = save,
                                         .owner_restore = restore};

static const char configuration[] =
    "version: 1\napp: test\nstreams:\n  s:\n    topic: t\n    format: csv\n    time: at\n"
    "    fields:\n      at: {type: long}\n      x: {type: double}\n"
    "alerts: {topic: a}\nquarantine: {topic: q}\ndetectors:\n"
    "  %s: {type: flaky, stream: s, window: {size: 10s, lateness: 0s}}\n"
    "  steady: {type: flaky, stream: s, window: {size: 10s, lateness: 0s}}\n";

// ---- a run, with both tasks saved and restored now and then

struct run {
    struct weir_plan *plan;
    struct weir_edge_task *edge;
    struct weir_merger *merger;
    char *opened, *resolved; // the last alerts of weir.detector_failed
    int n_opened, n_alerts;
};

static char *copy_of(struct weir_span span)
{
    char *text = calloc(span.length + 1, 1);
    memcpy(text, span.data, span.length);
    return text;
}

static int on_emission(void *context, const struct weir_emission *emission)
{
    struct run *run = context;
    struct weir_error error;
    if (emission->output == WEIR_OUTPUT_PARTIALS)
        return weir_merger_accept(run->merger, emission->key, emission->value, &error);
    if (emission->output != WEIR_OUTPUT_ALERTS)
        return 0;
    run->n_alerts++;
    ck_assert_str_eq(emission->alert->finding.kind, "weir.detector_failed");
    char **at = emission->alert->status == WEIR_ALERT_RESOLVED ? &run->resolved : &run->opened;
    run->n_opened += emission->alert->status == WEIR_ALERT_OPEN;
    free(*at);
    *at = copy_of(emission->value);
    return 0;
}

static void make_tasks(struct run *run)
{
    struct weir_emitter emitter = {run, on_emission};
    struct weir_error error;
    ck_assert_int_eq(weir_merger_create(run->plan, 0, &emitter, &run->merger, &error), 0);
    ck_assert_int_eq(weir_edge_task_create(run->plan, 0, 0, 1, &emitter, &run->edge, &error), 0);
}

static void reincarnate(struct run *run)
{
    struct weir_buffer edge, merger;
    struct weir_error error;
    weir_buffer_init(&edge, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&merger, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_edge_task_save(run->edge, &edge), 0);
    ck_assert_int_eq(weir_merger_save(run->merger, &merger), 0);
    weir_edge_task_destroy(run->edge);
    weir_merger_destroy(run->merger);
    make_tasks(run);
    ck_assert_int_eq(weir_edge_task_restore(run->edge, edge.data, edge.length, &error), 0);
    ck_assert_int_eq(weir_merger_restore(run->merger, merger.data, merger.length, &error), 0);
    weir_buffer_free(&edge);
    weir_buffer_free(&merger);
}

static void observe(struct run *run, struct weir_decoder *decoder, int first)
{
    struct weir_error error;
    weir_decoder_begin(decoder, "t", 0);
    for (int i = first; i < first + 5; i++) {
        char text[64];
        int n = snprintf(text, sizeof text, "%" PRId64 ",1.5", (int64_t)1700000000000 + i * STEP);
        struct weir_record record = {.offset = i, .value = {(uint8_t *)text, (size_t)n}};
        ck_assert_int_eq(weir_decoder_add(decoder, &record, NULL, &error), 0);
    }
    ck_assert_int_eq(weir_edge_task_observe(run->edge, weir_decoder_finish(decoder), &error), 0);
}

static void play(struct run *run, const char *name, int restarts)
{
    static const char *const columns[] = {"at", "x"};
    struct weir_error error = {0};
    struct weir_problems problems = {0};
    struct weir_plugins *plugins;
    struct weir_config *config;
    struct weir_decoder *decoder;
    char text[1000];
    memset(run, 0, sizeof *run);
    memset(&edges, 0, sizeof edges);
    memset(&owners, 0, sizeof owners);
    memset(&steady, 0, sizeof steady);
    snprintf(text, sizeof text, configuration, name);
    ck_assert_int_eq(weir_plugins_create(&plugins, &error), 0);
    ck_assert_int_eq(weir_plugins_add_static(plugins, &flaky, &error), 0);
    ck_assert_int_eq(
        weir_config_parse(text, strlen(text), "test.yaml", plugins, &config, &problems), 0);
    struct weir_plan_options options = {.config = config, .partials_partitions = 1};
    ck_assert_msg(!weir_plan_create(&options, &run->plan, &error), "%s", error.message);
    struct weir_decoder_options decode = {.format = WEIR_FORMAT_CSV,
                                          .builder = weir_plan_builder(run->plan, 0),
                                          .csv_columns = columns,
                                          .n_csv_columns = 2};
    ck_assert_int_eq(weir_decoder_create(&decode, &decoder, &error), 0);
    make_tasks(run);
    for (int i = 0; i < WINDOWS * 10; i += 5) {
        observe(run, decoder, i);
        if (restarts && i % 35 == 0)
            reincarnate(run);
    }
    ck_assert_int_eq(weir_edge_task_finish(run->edge, &error), 0);
    weir_edge_task_destroy(run->edge);
    weir_merger_destroy(run->merger);
    weir_decoder_destroy(decoder);
    weir_plan_destroy(run->plan);
    weir_config_free(config);
    weir_plugins_destroy(plugins);
}

static void release(struct run *run)
{
    free(run->opened);
    free(run->resolved);
}

START_TEST(an_edge_that_always_fails)
{
    struct run run;
    play(&run, "edge", _i);
    ck_assert_int_eq(edges.failures, 5);
    ck_assert_int_eq(edges.calls, 5); // disabled: not called again
    for (int k = 1; k < 5; k++)       // and backed off before, longer each time
        ck_assert_int_ge(edges.at[k] - edges.at[k - 1], 10000 << (k - 1));
    ck_assert_int_ge(run.n_opened, 1);
    ck_assert_ptr_nonnull(strstr(run.opened, "detector_failed:edge"));
    // Its own owner and the other detector see every record.
    ck_assert_int_eq(steady.rows, 2 * WINDOWS * 10);
    release(&run);
}
END_TEST

START_TEST(an_edge_that_fails_once)
{
    struct run run;
    play(&run, "edge_once", _i);
    ck_assert_int_eq(edges.failures, 1);
    ck_assert_int_gt(edges.calls, 200);
    ck_assert_int_eq(run.n_opened, 1);
    ck_assert_ptr_nonnull(run.resolved);
    release(&run);
}
END_TEST

START_TEST(an_owner_that_always_fails)
{
    struct run run;
    play(&run, "owner", _i);
    ck_assert_int_eq(owners.failures, 5);
    ck_assert_int_eq(owners.calls, 5);
    for (int k = 1; k < 5; k++)
        ck_assert_int_eq(owners.at[k] - owners.at[k - 1], 10000 * ((1 << (k - 1)) + 1));
    ck_assert_int_eq(run.n_opened, 1);
    ck_assert_ptr_nonnull(strstr(run.opened, "Detector 'owner' failed"));
    ck_assert_ptr_nonnull(strstr(run.opened, "\"severity\":\"critical\""));
    ck_assert_int_eq(steady.rows, WINDOWS * 10); // of the other's owner
    release(&run);
}
END_TEST

START_TEST(an_owner_that_fails_once)
{
    struct run run;
    play(&run, "owner_once", _i);
    ck_assert_int_eq(owners.failures, 1);
    ck_assert_int_eq(owners.calls, WINDOWS - 1); // one was left out
    ck_assert_int_eq(run.n_opened, 1);
    ck_assert_ptr_nonnull(run.resolved);
    release(&run);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("failure");
    TCase *cases = tcase_create("failure");
    tcase_add_loop_test(cases, an_edge_that_always_fails, 0, 2);
    tcase_add_loop_test(cases, an_edge_that_fails_once, 0, 2);
    tcase_add_loop_test(cases, an_owner_that_always_fails, 0, 2);
    tcase_add_loop_test(cases, an_owner_that_fails_once, 0, 2);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
