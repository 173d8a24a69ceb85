// SPDX-License-Identifier: Apache-2.0
// A detector that is shown two streams side by side: what it says depends neither on which of them
// is read first, nor on where batches end, nor on how often state was saved and restored.
#include "consumer/task/task.h"

#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/alert/alert.h"
#include "consumer/host/plugins.h"

enum { RECORDS = 3000, TASKS = 2, OPEN = 20000 };

// ---- a detector that collects the numbers of both streams and counts, at a pane's close, those
// that are on both sides

struct seen {
    int64_t time;
    int64_t number;
    int follows;
};

struct pairs {
    struct seen seen[OPEN];
    size_t n;
    int64_t complete, closed;
};

static int alone; // a side is not waited for: what it says later is left out

static int pairs_create(const struct weir_detector_config *config, const struct weir_setup *setup,
                        void **out, struct weir_error *error)
{
    (void)error;
    ck_assert_ptr_nonnull(config->follower);
    ck_assert_str_eq(config->follower->stream->name, "offline");
    ck_assert_int_eq(config->follower->within, 600000);
    ck_assert_str_eq(config->stream->name, "served+offline");
    ck_assert_ptr_nonnull(setup->hold_open);
    setup->hold_open(setup, 2000);
    *out = calloc(1, 1);
    return setup->need(setup, 0, 1, WEIR_PART_MOMENTS, error);
}

static int edge_create(void *instance, void **edge, struct weir_error *error)
{
    (void)instance, (void)error;
    struct pairs *made = calloc(1, sizeof *made);
    made->complete = made->closed = INT64_MIN;
    *edge = made;
    return 0;
}

static int edge_observe(void *state, const struct weir_batch *batch, const struct weir_edge *host,
                        struct weir_error *error)
{
    (void)error;
    struct pairs *pairs = state;
    ck_assert_str_eq(batch->stream->name, host->follows ? "offline" : "served");
    for (uint32_t i = 0; i < batch->n_rows; i++) {
        if (host->late[i])
            continue;
        if (!alone)
            ck_assert_int_eq(host->pane[i], batch->time[i] - batch->time[i] % 60000);
        // The host's promise, to what was complete before.
        if (batch->time[i] < pairs->complete) {
            ck_assert(alone);
            continue;
        }
        ck_assert_uint_lt(pairs->n, OPEN);
        pairs->seen[pairs->n++] =
            (struct seen){batch->time[i], batch->columns[1].values.i64[i], host->follows};
    }
    ck_assert_int_ge(host->complete, pairs->complete);
    pairs->complete = host->complete;
    return 0;
}

static int edge_close(void *state, int64_t start, int64_t end, struct weir_buffer *out,
                      struct weir_error *error)
{
    (void)error;
    struct pairs *pairs = state;
    int64_t counts[3] = {0};
    size_t kept = 0;
    ck_assert_int_ge(start, pairs->closed);
    pairs->closed = end;
    for (size_t i = 0; i < pairs->n; i++) {
        const struct seen *one = &pairs->seen[i];
        if (one->time < start || one->time >= end)
            continue;
        counts[one->follows]++;
        for (size_t k = 0; k < pairs->n && !one->follows; k++)
            counts[2] += pairs->seen[k].follows && pairs->seen[k].number == one->number;
    }
    // Partners may bear a later time, by as much as the panes are held open.
    for (size_t i = 0; i < pairs->n; i++) {
        if (pairs->seen[i].time >= end - 5000)
            pairs->seen[kept++] = pairs->seen[i];
    }
    pairs->n = kept;
    for (int i = 0; i < 3; i++)
        weir_put_long(out, counts[i]);
    return 0;
}

static int edge_save(const void *state, struct weir_buffer *out)
{
    const struct pairs *pairs = state;
    weir_put_long(out, pairs->complete);
    weir_put_long(out, pairs->closed);
    return weir_put_bytes(out, pairs->seen, pairs->n * sizeof *pairs->seen);
}

static int edge_restore(void *state, uint32_t version, struct weir_reader *in,
                        struct weir_error *error)
{
    (void)version, (void)error;
    struct pairs *pairs = state;
    size_t length;
    pairs->complete = weir_get_long(in);
    pairs->closed = weir_get_long(in);
    const uint8_t *bytes = weir_get_bytes(in, &length);
    memcpy(pairs->seen, bytes, length);
    pairs->n = length / sizeof *pairs->seen;
    return 0;
}

static int owner_create(void *instance, void **owner, struct weir_error *error)
{
    (void)instance, (void)error;
    *owner = calloc(1, 1);
    return 0;
}

static int owner_window(void *state, const struct weir_window *window, struct weir_error *error)
{
    (void)state, (void)error;
    int64_t counts[3] = {0};
    char text[200];
    for (size_t i = 0; i < window->n_extracts; i++) {
        struct weir_reader in =
            weir_reader_make(window->extracts[i].data, window->extracts[i].length);
        for (int k = 0; k < 3; k++)
            counts[k] += weir_get_long(&in);
        ck_assert_int_eq(in.failed, 0);
    }
    const struct weir_summary *summary = window->summary(window, 0, 1);
    snprintf(text, sizeof text,
             "%" PRIu64 " rows, %" PRIu64 " summed, %" PRId64 " served, %" PRId64
             " offline, %" PRId64 " pairs",
             window->rows, summary->rows, counts[0], counts[1], counts[2]);
    struct weir_finding finding = {.size = sizeof finding,
                                   .rule = "pairs",
                                   .kind = "skew.row",
                                   // A new one each time, so that every window is told.
                                   .severity = (enum weir_severity)(window->sequence % 2),
                                   .share = 0.5,
                                   .summary = text};
    window->emit(window, &finding);
    return 0;
}

static int owner_save(const void *state, struct weir_buffer *out)
{
    (void)state, (void)out;
    return 0;
}

static int owner_restore(void *state, uint32_t version, struct weir_reader *in,
                         struct weir_error *error)
{
    (void)state, (void)version, (void)in, (void)error;
    return 0;
}

static const struct weir_option options[] = {
    {"with", WEIR_OPTION_STREAM, NULL, 0, 0, NULL, NULL, "The follower.", 0}, {.key = NULL}};
static const char *const kinds[] = {"skew.row", NULL};

static const struct weir_plugin plugin = {
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .size = sizeof plugin,
    .name = "pairs",
    .version = "1",
    .description = "counts what is on both sides",
    .options = options,
    .kinds = kinds,
    .state_version = 1,
    .create = pairs_create,
    .destroy = free,
    .edge_create = edge_create,
    .edge_destroy = free,
    .edge_observe = edge_observe,
    .edge_close = edge_close,
    .edge_save = edge_save,
    .edge_restore = edge_restore,
    .owner_create = owner_create,
    .owner_destroy = free,
    .owner_window = owner_window,
    .owner_save = owner_save,
    .owner_restore = owner_restore,
};

static const char configuration[] =
    "version: 1\n"
    "app: test\n"
    "streams:\n"
    "  served: {topic: s, format: csv, key: n, time: at, fields: {at: {type: long}, n: {type: "
    "long}}}\n"
    "  offline: {topic: o, format: csv, key: n, time: at, fields: {at: {type: long}, n: {type: "
    "long}}, join: {to: served, within: 10m}}\n"
    "detectors:\n"
    "  both: {type: pairs, stream: served, with: offline, window: {size: 1m, lateness: 5s}}\n";

// ---- a run: one merger, and tasks whose partials go straight to it

struct run {
    struct weir_plugins *plugins;
    struct weir_config *config;
    struct weir_plan *plan;
    struct weir_edge_task *edges[TASKS];
    struct weir_merger *merger;
    struct weir_decoder *decoders[2];
    size_t at[TASKS][2];
    struct weir_buffer said;
};

static int on_edge(void *context, const struct weir_emission *emission)
{
    struct run *run = context;
    struct weir_error error = {0};
    ck_assert_int_eq(emission->output, WEIR_OUTPUT_PARTIALS);
    ck_assert_msg(!weir_merger_accept(run->merger, emission->key, emission->value, &error), "%s",
                  error.message);
    return 0;
}

static int on_merger(void *context, const struct weir_emission *emission)
{
    struct run *run = context;
    if (emission->output == WEIR_OUTPUT_ALERTS) {
        weir_buffer_append(&run->said, emission->value.data, emission->value.length);
        weir_buffer_byte(&run->said, '\n');
    }
    return 0;
}

static int parse(struct run *run, const char *text, struct weir_problems *problems)
{
    struct weir_error error = {0};
    ck_assert_int_eq(weir_plugins_create(&run->plugins, &error), 0);
    ck_assert_int_eq(weir_plugins_add_static(run->plugins, &plugin, &error), 0);
    return weir_config_parse(text, strlen(text), "test.yaml", run->plugins, &run->config, problems);
}

static size_t joined_stream(const struct run *run)
{
    size_t first, driver, follower;
    ck_assert_uint_eq(weir_plan_joined(run->plan, &first), 1);
    weir_plan_joined_of(run->plan, first, &driver, &follower);
    ck_assert_uint_eq(driver, 0);
    ck_assert_uint_eq(follower, 1);
    return first;
}

static void make_edge(struct run *run, int task)
{
    struct weir_error error = {0};
    struct weir_emitter emitter = {run, on_edge};
    ck_assert_msg(!weir_edge_task_create(run->plan, joined_stream(run), task, TASKS, &emitter,
                                         &run->edges[task], &error),
                  "%s", error.message);
}

static void start(struct run *run)
{
    static const char *const columns[] = {"at", "n"};
    struct weir_error error = {0};
    struct weir_problems problems = {0};
    memset(run, 0, sizeof *run);
    ck_assert_int_eq(parse(run, configuration, &problems), 0);
    ck_assert_uint_eq(problems.n, 0); // no warning of a join that nobody looks at
    weir_problems_free(&problems);
    struct weir_plan_options options_ = {.config = run->config, .partials_partitions = 1};
    ck_assert_msg(!weir_plan_create(&options_, &run->plan, &error), "%s", error.message);
    struct weir_emitter emitter = {run, on_merger};
    ck_assert_int_eq(weir_merger_create(run->plan, 0, &emitter, &run->merger, &error), 0);
    for (size_t side = 0; side < 2; side++) {
        struct weir_decoder_options decoder = {.format = WEIR_FORMAT_CSV,
                                               .builder = weir_plan_builder(run->plan, side),
                                               .csv_columns = columns,
                                               .n_csv_columns = 2};
        ck_assert_int_eq(weir_decoder_create(&decoder, &run->decoders[side], &error), 0);
    }
    weir_buffer_init(&run->said, WEIR_BUFFER_MAXIMUM);
    for (int t = 0; t < TASKS; t++)
        make_edge(run, t);
    alone = 0;
}

static char *stop(struct run *run)
{
    struct weir_error error = {0};
    for (int t = 0; t < TASKS; t++)
        ck_assert_int_eq(weir_edge_task_finish(run->edges[t], &error), 0);
    for (int t = 0; t < TASKS; t++)
        weir_edge_task_destroy(run->edges[t]);
    for (size_t side = 0; side < 2; side++)
        weir_decoder_destroy(run->decoders[side]);
    weir_merger_destroy(run->merger);
    weir_plan_destroy(run->plan);
    weir_config_free(run->config);
    weir_plugins_destroy(run->plugins);
    weir_buffer_byte(&run->said, 0);
    return (char *)run->said.data;
}

// ---- random records: both sides mostly the same, out of order, some late, a few far off

static struct {
    char text[64];
} records[TASKS][2][RECORDS];

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
        int64_t now = 1700000000000;
        for (int i = 0; i < RECORDS; i++) {
            now += draw(400);
            for (int side = 0; side < 2; side++) {
                int64_t at = now - (draw(4) ? 0 : draw(9000)) + (side ? draw(1500) : 0);
                if (draw(500) == 0)
                    at = draw(2) ? 4102444800000 : 1000;
                snprintf(records[t][side][i].text, sizeof records[t][side][i].text,
                         "%" PRId64 ",%d", at, draw(10) ? i : i + 100000);
            }
        }
    }
}

static void feed(struct run *run, int task, int side, uint32_t n)
{
    struct weir_error error = {0};
    size_t *at = &run->at[task][side];
    struct weir_decoder *decoder = run->decoders[side];
    weir_decoder_begin(decoder, side ? "o" : "s", task);
    for (uint32_t i = 0; i < n && *at < RECORDS; i++) {
        const char *text = records[task][side][*at].text;
        struct weir_record record = {.offset = (int64_t)(*at)++,
                                     .value = {(const uint8_t *)text, strlen(text)}};
        ck_assert_int_eq(weir_decoder_add(decoder, &record, NULL, &error), 0);
    }
    const struct weir_batch *batch = weir_decoder_finish(decoder);
    ck_assert_msg(!weir_edge_task_join(run->edges[task], side, batch, batch->n_rows, &error), "%s",
                  error.message);
}

static void reincarnate(struct run *run, int task)
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
    ck_assert_mem_eq(state.data, again.data, state.length);
    for (size_t n = 0; n < state.length; n += 1 + state.length / 50) {
        struct weir_edge_task *other = run->edges[task];
        make_edge(run, task);
        ck_assert_int_ne(weir_edge_task_restore(run->edges[task], state.data, n, &error), 0);
        weir_edge_task_destroy(run->edges[task]);
        run->edges[task] = other;
    }
    weir_buffer_free(&state);
    weir_buffer_free(&again);
}

// Long texts: only where they differ.
static void check_same(const char *expected, const char *said)
{
    size_t at = 0;
    while (expected[at] && expected[at] == said[at])
        at++;
    size_t from = at > 100 ? at - 100 : 0;
    ck_assert_msg(expected[at] == said[at], "%.900s\nis not\n%.900s", expected + from, said + from);
}

static void feed_in_turn(struct run *run)
{
    for (int i = 0; i < RECORDS; i += 100) {
        for (int t = 0; t < TASKS; t++) {
            feed(run, t, 0, 100);
            feed(run, t, 1, 100);
        }
    }
}

START_TEST(test_any_order)
{
    struct run run;
    for (uint64_t with = 1; with < 6; with++) {
        make_records(with);
        start(&run);
        feed_in_turn(&run);
        char *expected = stop(&run);
        ck_assert_ptr_nonnull(strstr(expected, " pairs"));

        // One side whole before the other.
        for (int first = 0; first < 2; first++) {
            start(&run);
            for (int t = 0; t < TASKS; t++) {
                feed(&run, t, first, RECORDS);
                feed(&run, t, !first, RECORDS);
            }
            char *said = stop(&run);
            check_same(expected, said);
            free(said);
        }
        // Anyhow, and from task to task.
        start(&run);
        for (int left = 1; left;) {
            int t = (int)draw(TASKS);
            feed(&run, t, (int)draw(2), 1 + draw(300));
            if (draw(10) == 0)
                reincarnate(&run, t);
            left = 0;
            for (int i = 0; i < TASKS; i++)
                left |= run.at[i][0] < RECORDS || run.at[i][1] < RECORDS;
        }
        char *said = stop(&run);
        check_same(expected, said);
        free(said);
        free(expected);
    }
}
END_TEST

// Nothing is said while one side is silent; then, that far and no further.
START_TEST(test_alone)
{
    struct weir_error error = {0};
    struct run run;
    int64_t within;
    make_records(9);
    start(&run);
    for (int t = 0; t < TASKS; t++) {
        ck_assert_int_eq(weir_edge_task_side(run.edges[t], 0, &within), INT64_MIN);
        feed(&run, t, 0, RECORDS); // about ten minutes
        ck_assert_int_gt(weir_edge_task_side(run.edges[t], 0, &within), INT64_MIN);
        ck_assert_int_eq(within, 600000);
    }
    ck_assert_uint_eq(run.said.length, 0);
    for (int t = 0; t < TASKS; t++) {
        snprintf(records[t][0][0].text, sizeof records[t][0][0].text, "%" PRId64 ",1",
                 (int64_t)1700000000000 + 800000);
        run.at[t][0] = 0;
        feed(&run, t, 0, 1);
        ck_assert_uint_eq(run.said.length, 0);
    }
    for (int t = 0; t < TASKS; t++)
        ck_assert_int_eq(weir_edge_task_join_alone(run.edges[t], &error), 0);
    ck_assert_uint_gt(run.said.length, 0);
    weir_buffer_byte(&run.said, 0);
    ck_assert_ptr_nonnull(strstr((char *)run.said.data, " 0 offline, 0 pairs"));
    size_t before = run.said.length;
    ck_assert_int_eq(weir_edge_task_join_alone(run.edges[0], &error), 0);
    ck_assert_uint_eq(run.said.length, before);
    alone = 1;
    feed(&run, 0, 1, RECORDS);
    free(stop(&run));
}
END_TEST

static void check_fault(const char *from, const char *to, const char *expected)
{
    struct run run = {0};
    struct weir_problems problems = {0};
    struct weir_error error = {0};
    char text[sizeof configuration + 200];
    const char *at = strstr(configuration, from);
    ck_assert_ptr_nonnull(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - configuration), configuration, to,
             at + strlen(from));
    ck_assert_int_eq(parse(&run, text, &problems), 0);
    struct weir_plan_options options_ = {.config = run.config, .partials_partitions = 1};
    ck_assert_int_eq(weir_plan_create(&options_, &run.plan, &error), WEIR_EINVAL);
    ck_assert_msg(strstr(error.message, expected) != NULL, "%s", error.message);
    weir_problems_free(&problems);
    weir_config_free(run.config);
    weir_plugins_destroy(run.plugins);
}

START_TEST(test_faults)
{
    check_fault("with: offline", "with: offlin", "there is no stream 'offlin'");
    check_fault("join: {to: served, within: 10m}", "max_jump: 1d",
                "the stream offline does not join served");
    check_fault("with: offline", "with: served", "does not join");
    check_fault("window: {size: 1m, lateness: 5s}", "window: {records: 50}", "windows of time");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("join");
    TCase *tests = tcase_create("join");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_any_order);
    tcase_add_test(tests, test_alone);
    tcase_add_test(tests, test_faults);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
