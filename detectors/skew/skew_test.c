// SPDX-License-Identifier: Apache-2.0
#include "detectors/skew/skew.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/skew/tally.h"
#include "stats/hash.h"

extern const struct weir_plugin weir_plugin;

enum { ROWS = 2000, MINUTE = 60000 };

static const struct weir_field fields[] = {{.name = "amount", .type = WEIR_TYPE_DOUBLE},
                                           {.name = "amount_offline", .type = WEIR_TYPE_DOUBLE},
                                           {.name = "country", .type = WEIR_TYPE_STRING},
                                           {.name = "country_offline", .type = WEIR_TYPE_STRING}};
static const struct weir_stream stream = {
    .name = "pairs", .fields = fields, .n_fields = 4, .key = -1, .time = -1};

// ---- the host's part

static int n_found, n_undecided;
static char summary[1200], found_fields[200];
static uint64_t found_count;

static void on_emit(const struct weir_window *window, const struct weir_finding *finding)
{
    (void)window;
    n_found++;
    ck_assert_str_eq(finding->kind, "skew.row");
    snprintf(summary, sizeof summary, "%s", finding->summary);
    found_count = finding->count;
    found_fields[0] = 0;
    for (size_t i = 0; i < finding->n_fields; i++) {
        strcat(found_fields, finding->fields[i]);
        strcat(found_fields, " ");
    }
}

static void on_report(const struct weir_window *window, size_t slice, int field,
                      const struct weir_statistic *statistic)
{
    (void)window, (void)slice, (void)field;
    ck_assert(isfinite(statistic->value));
}

static void on_undecided(const struct weir_window *window)
{
    (void)window;
    n_undecided++;
}

static void *instance, *owner;
static const int judged[] = {0, 1, 2, 3};

static int make(const char *suffix, void **made, struct weir_error *error)
{
    const struct weir_option_value values[SKEW_OPTIONS] = {
        [SKEW_SUFFIX] = {.set = 1, .string = suffix},
        [SKEW_MISMATCH] = {.set = 1, .number = .01},
        [SKEW_MINIMUM] = {.set = 1, .integer = 100}};
    struct weir_detector_config config = {.size = sizeof config,
                                          .name = "rows",
                                          .stream = &stream,
                                          .fields = judged,
                                          .n_fields = 4,
                                          .window_size = MINUTE,
                                          .window_hop = MINUTE,
                                          .severity = -1,
                                          .redact = 1,
                                          .options = values};
    struct weir_setup setup_ = {.size = sizeof setup_};
    return weir_plugin.create(&config, &setup_, made, error);
}

static void setup(void)
{
    struct weir_error error;
    ck_assert_int_eq(make("_offline", &instance, &error), 0);
    ck_assert_int_eq(weir_plugin.owner_create(instance, &owner, &error), 0);
    n_found = n_undecided = 0;
}

static void teardown(void)
{
    weir_plugin.owner_destroy(owner);
    weir_plugin.destroy(instance);
}

// ---- records

static double amount[2][ROWS];
static char country[2][ROWS][16];
static uint8_t state[4][ROWS], faults[ROWS];
static int64_t times[ROWS], offsets[ROWS], panes[ROWS];

static void fill(void)
{
    for (int i = 0; i < ROWS; i++) {
        amount[0][i] = amount[1][i] = i * 1.25 + .01;
        snprintf(country[0][i], sizeof country[0][i], "C%d", i % 7);
        memcpy(country[1][i], country[0][i], sizeof country[1][i]);
        times[i] = i;
        offsets[i] = i;
        panes[i] = 0;
    }
    memset(state, 0, sizeof state);
}

static void observe(void *edge, size_t from, size_t to)
{
    static struct weir_string strings[2][ROWS];
    static uint32_t codes[ROWS];
    uint32_t n = (uint32_t)(to - from);
    struct weir_column columns[4];
    for (size_t side = 0; side < 2; side++) {
        for (uint32_t i = 0; i < n; i++) {
            const char *text = country[side][from + i];
            strings[side][i] =
                (struct weir_string){text, (uint32_t)strlen(text), weir_hash(text, strlen(text))};
            codes[i] = i;
        }
        columns[side] = (struct weir_column){.type = WEIR_TYPE_DOUBLE,
                                             .n = n,
                                             .state = state[side] + from,
                                             .values.f64 = amount[side] + from};
        columns[2 + side] = (struct weir_column){.type = WEIR_TYPE_STRING,
                                                 .n = n,
                                                 .state = state[2 + side] + from,
                                                 .values.code = codes,
                                                 .local = strings[side],
                                                 .n_local = n};
    }
    struct weir_batch batch = {.stream = &stream,
                               .topic = "pairs",
                               .n_rows = n,
                               .time = times + from,
                               .offset = offsets + from,
                               .timestamp = times + from,
                               .fault = faults + from,
                               .columns = columns};
    struct weir_edge host = {.size = sizeof host, .pane = panes + from};
    struct weir_error error;
    ck_assert_int_eq(weir_plugin.edge_observe(edge, &batch, &host, &error), 0);
}

static void close_edge(void *edge, struct weir_buffer *out)
{
    struct weir_error error;
    weir_buffer_init(out, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_plugin.edge_close(edge, 0, MINUTE, out, &error), 0);
    weir_plugin.edge_destroy(edge);
}

static void judge(const struct weir_buffer *buffers, size_t n)
{
    struct weir_span extracts[8];
    for (size_t i = 0; i < n; i++)
        extracts[i] = (struct weir_span){buffers[i].data, buffers[i].length};
    struct weir_window window = {.size = sizeof window,
                                 .end = MINUTE,
                                 .extracts = extracts,
                                 .n_extracts = n,
                                 .emit = on_emit,
                                 .report = on_report,
                                 .undecided = on_undecided};
    struct weir_error error;
    ck_assert_int_eq(weir_plugin.owner_window(owner, &window, &error), 0);
}

static void *new_edge(void)
{
    void *edge;
    struct weir_error error;
    ck_assert_int_eq(weir_plugin.edge_create(instance, &edge, &error), 0);
    return edge;
}

static void run(size_t n)
{
    struct weir_buffer out;
    void *edge = new_edge();
    observe(edge, 0, n);
    close_edge(edge, &out);
    judge(&out, 1);
    weir_buffer_free(&out);
}

// ---- tests

START_TEST(test_same)
{
    fill();
    memset(state[0] + 10, WEIR_STATE_NULL, 50);
    memset(state[1] + 10, WEIR_STATE_MISSING, 50);
    memset(state[2] + 100, WEIR_STATE_FAULT_STRING, 100); // the schema's business
    amount[0][3] = amount[1][3] = NAN;
    run(ROWS);
    ck_assert_int_eq(n_found, 0);
    ck_assert_int_eq(n_undecided, 0);
}
END_TEST

START_TEST(test_few_differ)
{
    fill();
    for (int i = 0; i < 25; i++) // 1.25% of 2,000: chance may do that
        amount[0][i * 60] += 5;
    run(ROWS);
    ck_assert_int_eq(n_found, 0);
}
END_TEST

START_TEST(test_too_few_pairs)
{
    fill();
    for (int i = 0; i < 99; i++)
        amount[0][i] += 5;
    run(99);
    ck_assert_int_eq(n_found, 0);
    ck_assert_int_eq(n_undecided, 1);
    run(0);
    ck_assert_int_eq(n_undecided, 2);
}
END_TEST

START_TEST(test_missing)
{
    fill();
    memset(state[0], WEIR_STATE_NULL, 500);
    for (int i = 500; i < 520; i++)
        amount[0][i] = NAN;
    strcpy(country[1][0], "elsewhere");
    run(ROWS);
    ck_assert_int_eq(n_found, 1);
    ck_assert_uint_eq(found_count, 520);
    ck_assert_str_eq(found_fields, "amount ");
    ck_assert_str_eq(summary,
                     "amount differs between served and offline in 520 of 2,000 pairs "
                     "(26%): nothing was served where the offline side has a value (100% of "
                     "those); see why the lookup at serving time finds nothing");
}
END_TEST

START_TEST(test_two_fields)
{
    fill();
    for (int i = 0; i < 300; i++)
        strcpy(country[1][i], "elsewhere");
    for (int i = 0; i < 100; i++)
        amount[0][i] += 5;
    run(ROWS);
    ck_assert_int_eq(n_found, 1);
    ck_assert_str_eq(found_fields, "country amount ");
    ck_assert_ptr_nonnull(strstr(summary, "country differs between served and offline in 300 of "
                                          "2,000 pairs (15%)"));
    ck_assert_ptr_nonnull(strstr(summary, "; amount differs too"));
}
END_TEST

// The same, however the records are cut into batches and tasks, and over a restart.
START_TEST(test_any_batch)
{
    struct weir_buffer whole, parts[2];
    fill();
    for (int i = 0; i < 700; i++)
        amount[i % 2][i] += i;
    void *edge = new_edge();
    observe(edge, 0, ROWS);
    close_edge(edge, &whole);
    judge(&whole, 1);
    char before[sizeof summary];
    strcpy(before, summary);

    void *first = new_edge(), *second = new_edge();
    for (size_t i = 0; i < ROWS; i += 100) {
        observe(i % 200 ? first : second, i, i + 100);
        if (i == 1000) {
            struct weir_buffer saved;
            struct weir_error error;
            weir_buffer_init(&saved, WEIR_BUFFER_MAXIMUM);
            ck_assert_int_eq(weir_plugin.edge_save(first, &saved), 0);
            weir_plugin.edge_destroy(first);
            first = new_edge();
            struct weir_reader in = weir_reader_make(saved.data, saved.length);
            ck_assert_int_eq(weir_plugin.edge_restore(first, 4, &in, &error), 0);
            weir_buffer_free(&saved);
        }
    }
    close_edge(first, &parts[0]);
    close_edge(second, &parts[1]);
    struct skew_tally a, b;
    ck_assert_int_eq(skew_tally_init(&a, 2), 0);
    ck_assert_int_eq(skew_tally_init(&b, 2), 0);
    for (int i = 1; i >= 0; i--) {
        struct weir_reader in = weir_reader_make(parts[i].data, parts[i].length);
        ck_assert_int_eq(skew_tally_read(&a, &in), 0);
    }
    struct weir_buffer again;
    weir_buffer_init(&again, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(skew_tally_write(&a, &again), 0);
    ck_assert_uint_eq(again.length, whole.length);
    ck_assert_mem_eq(again.data, whole.data, whole.length);
    judge(parts, 2);
    ck_assert_str_eq(before, summary);
    weir_buffer_free(&again);
    weir_buffer_free(&whole);
    weir_buffer_free(&parts[0]);
    weir_buffer_free(&parts[1]);
    skew_tally_free(&a);
    skew_tally_free(&b);
}
END_TEST

// Whatever bytes state is made of, nothing is read out of bounds.
START_TEST(test_garbage)
{
    struct weir_buffer saved;
    struct weir_error error;
    fill();
    for (int i = 0; i < 60; i++)
        amount[0][i] += 1;
    void *edge = new_edge();
    observe(edge, 0, 200);
    weir_buffer_init(&saved, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_plugin.edge_save(edge, &saved), 0);
    weir_plugin.edge_destroy(edge);
    for (size_t n = 0; n < saved.length; n++) {
        edge = new_edge();
        struct weir_reader in = weir_reader_make(saved.data, n);
        ck_assert_int_eq(weir_plugin.edge_restore(edge, 4, &in, &error), WEIR_ECORRUPT);
        weir_plugin.edge_destroy(edge);
    }
    for (size_t n = 0; n < saved.length; n++) {
        saved.data[n] ^= (uint8_t)(1 + n % 255);
        edge = new_edge();
        struct weir_reader in = weir_reader_make(saved.data, saved.length);
        weir_plugin.edge_restore(edge, 4, &in, &error);
        weir_plugin.edge_destroy(edge);
    }
    weir_buffer_free(&saved);
}
END_TEST

START_TEST(test_options)
{
    struct weir_error error;
    void *made = NULL;
    ck_assert_int_eq(make("_elsewhere", &made, &error), WEIR_EINVAL);
    ck_assert_ptr_nonnull(strstr(error.message, "F_elsewhere"));
    ck_assert_int_eq(make("", &made, &error), WEIR_EINVAL);
    ck_assert_ptr_null(made);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("skew");
    TCase *tests = tcase_create("rows");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_same);
    tcase_add_test(tests, test_few_differ);
    tcase_add_test(tests, test_too_few_pairs);
    tcase_add_test(tests, test_missing);
    tcase_add_test(tests, test_two_fields);
    tcase_add_test(tests, test_any_batch);
    tcase_add_test(tests, test_garbage);
    tcase_add_test(tests, test_options);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
