// SPDX-License-Identifier: Apache-2.0
#include "detectors/semantics/semantics.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/hash.h"

extern const struct weir_plugin weir_plugin;

enum { ROWS = 1200 };
static const int64_t START = 1772400000000; // 2026-03-01

static const struct weir_field fields[] = {
    {.name = "login", .type = WEIR_TYPE_LONG, .semantic = "timestamp"},
    {.name = "note", .type = WEIR_TYPE_STRING, .semantic = "text"},
    {.name = "plain", .type = WEIR_TYPE_LONG},
    {.name = "odd", .type = WEIR_TYPE_LONG, .semantic = "flux capacitance"}};
static const struct weir_stream stream = {
    .name = "logins", .fields = fields, .n_fields = 4, .key = -1, .time = -1};

// ---- the host's part

static int n_found, n_undecided;
static char kind[64], summary[800];

static void on_emit(const struct weir_window *window, const struct weir_finding *finding)
{
    (void)window;
    n_found++;
    snprintf(kind, sizeof kind, "%s", finding->kind);
    snprintf(summary, sizeof summary, "%s", finding->summary);
    ck_assert_uint_eq(finding->n_fields, 1);
}

static void on_report(const struct weir_window *window, size_t slice, int field,
                      const struct weir_statistic *statistic)
{
    (void)window, (void)slice, (void)field, (void)statistic;
}

static void on_undecided(const struct weir_window *window)
{
    (void)window;
    n_undecided++;
}

static void *instance, *edge, *owner;

static void setup(void)
{
    static const struct weir_option_value values[] = {
        {.set = 1, .integer = 200}, {.set = 1, .number = 6}, {.set = 1, .integer = 1}};
    struct weir_detector_config config = {.size = sizeof config,
                                          .name = "meaning",
                                          .stream = &stream,
                                          .window_size = 60000,
                                          .window_hop = 60000,
                                          .severity = -1,
                                          .options = values};
    struct weir_setup setup_ = {.size = sizeof setup_};
    struct weir_error error;
    ck_assert_int_eq(weir_plugin.create(&config, &setup_, &instance, &error), 0);
    ck_assert_int_eq(weir_plugin.edge_create(instance, &edge, &error), 0);
    ck_assert_int_eq(weir_plugin.owner_create(instance, &owner, &error), 0);
    n_found = n_undecided = 0;
}

static void teardown(void)
{
    weir_plugin.owner_destroy(owner);
    weir_plugin.edge_destroy(edge);
    weir_plugin.destroy(instance);
}

static int64_t logins[ROWS], plain[ROWS], times[ROWS], offsets[ROWS], panes[ROWS];
static char notes[ROWS][64];

static void observe(size_t from, size_t to)
{
    static struct weir_string strings[ROWS];
    static uint32_t codes[ROWS];
    static uint8_t states[ROWS], faults[ROWS];
    uint32_t n = (uint32_t)(to - from);
    for (uint32_t i = 0; i < n; i++) {
        const char *note = notes[from + i];
        strings[i] =
            (struct weir_string){note, (uint32_t)strlen(note), weir_hash(note, strlen(note))};
        codes[i] = i;
    }
    struct weir_column columns[] = {
        {.type = WEIR_TYPE_LONG, .n = n, .state = states, .values.i64 = logins + from},
        {.type = WEIR_TYPE_STRING,
         .n = n,
         .state = states,
         .values.code = codes,
         .local = strings,
         .n_local = n},
        {.type = WEIR_TYPE_LONG, .n = n, .state = states, .values.i64 = plain + from},
        {.type = WEIR_TYPE_LONG, .n = n, .state = states, .values.i64 = plain + from}};
    struct weir_batch batch = {.stream = &stream,
                               .topic = "logins",
                               .n_rows = n,
                               .time = times + from,
                               .offset = offsets + from,
                               .timestamp = times + from,
                               .fault = faults,
                               .columns = columns};
    struct weir_edge host = {.size = sizeof host, .pane = panes + from};
    struct weir_error error;
    ck_assert_int_eq(weir_plugin.edge_observe(edge, &batch, &host, &error), 0);
}

static void close_pane(int64_t start, struct weir_buffer *out)
{
    struct weir_error error;
    weir_buffer_init(out, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_plugin.edge_close(edge, start, start + 60000, out, &error), 0);
}

static void judge(const struct weir_buffer *extract)
{
    struct weir_span span = {extract->data, extract->length};
    struct weir_window window = {.size = sizeof window,
                                 .start = START,
                                 .end = START + 60000,
                                 .extracts = &span,
                                 .n_extracts = extract->length > 0,
                                 .emit = on_emit,
                                 .report = on_report,
                                 .undecided = on_undecided};
    struct weir_error error;
    ck_assert_int_eq(weir_plugin.owner_window(owner, &window, &error), 0);
}

static void fill(int ids, int personal)
{
    for (int i = 0; i < ROWS; i++) {
        times[i] = START + i * 40;
        offsets[i] = i;
        panes[i] = START;
        plain[i] = i;
        logins[i] = ids ? (int64_t)(weir_hash(&i, sizeof i) >> 3) : times[i] - i % 900;
        snprintf(notes[i], sizeof notes[i], "the customer said %d %s", i,
                 personal && i % 20 == 0 ? "mail joe@example.com" : "nothing of note");
    }
}

START_TEST(test_good_fields_are_silent)
{
    struct weir_buffer out;
    fill(0, 0);
    observe(0, ROWS);
    close_pane(START, &out);
    judge(&out);
    ck_assert_int_eq(n_found, 0);
    ck_assert_int_eq(n_undecided, 0);
    weir_buffer_free(&out);
}
END_TEST

START_TEST(test_ids_that_are_called_times)
{
    struct weir_buffer out;
    fill(1, 0);
    observe(0, ROWS);
    close_pane(START, &out);
    judge(&out);
    ck_assert_int_eq(n_found, 1);
    ck_assert_str_eq(kind, "semantics.mismatch");
    ck_assert_ptr_nonnull(
        strstr(summary, "login is annotated 'timestamp', but looks like random_id"));
    ck_assert_ptr_nonnull(strstr(summary, "0% of the values are times as"));
    weir_buffer_free(&out);
}
END_TEST

START_TEST(test_personal_data)
{
    struct weir_buffer out;
    fill(0, 1);
    observe(0, ROWS);
    close_pane(START, &out);
    judge(&out);
    ck_assert_int_eq(n_found, 1);
    ck_assert_str_eq(kind, "semantics.personal_data");
    ck_assert_ptr_nonnull(strstr(summary, "hold e-mail addresses"));
    ck_assert_ptr_null(strstr(summary, "joe"));
    weir_buffer_free(&out);
}
END_TEST

START_TEST(test_too_few_values_wait)
{
    struct weir_buffer out;
    fill(1, 0);
    observe(0, 150);
    close_pane(START, &out);
    judge(&out);
    ck_assert_int_eq(n_found, 0);
    ck_assert_int_eq(n_undecided, 1);
    weir_buffer_free(&out);
    observe(150, 300);
    close_pane(START, &out);
    judge(&out);
    ck_assert_int_eq(n_found, 1);
    weir_buffer_free(&out);
}
END_TEST

// Cut into batches anyhow, and saved and restored in between: the same bytes.
START_TEST(test_batches_and_restarts)
{
    struct weir_buffer whole, parts, saved, owned;
    struct weir_error error;
    fill(1, 1);
    observe(0, ROWS);
    close_pane(START, &whole);
    for (size_t at = 0, n = 1; at < ROWS; at += n, n = n * 7 % 97 + 1) {
        if (at + n > ROWS)
            n = ROWS - at;
        observe(at, at + n);
    }
    close_pane(START, &parts);
    ck_assert_uint_eq(whole.length, parts.length);
    ck_assert_mem_eq(whole.data, parts.data, whole.length);
    weir_buffer_free(&parts);

    observe(0, 500);
    weir_buffer_init(&saved, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_plugin.edge_save(edge, &saved), 0);
    weir_plugin.edge_destroy(edge);
    ck_assert_int_eq(weir_plugin.edge_create(instance, &edge, &error), 0);
    for (size_t length = 0; length < saved.length; length += 13) {
        struct weir_reader cut = weir_reader_make(saved.data, length);
        ck_assert_int_ne(weir_plugin.edge_restore(edge, 1, &cut, &error), 0);
    }
    struct weir_reader in = weir_reader_make(saved.data, saved.length);
    ck_assert_int_eq(weir_plugin.edge_restore(edge, 1, &in, &error), 0);
    observe(500, ROWS);
    close_pane(START, &parts);
    judge(&parts);
    ck_assert_int_eq(n_found, 2);

    judge(&(struct weir_buffer){0}); // an empty window has nothing to judge
    ck_assert_int_eq(n_found, 2);
    weir_buffer_init(&owned, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_plugin.owner_save(owner, &owned), 0);
    in = weir_reader_make(owned.data, owned.length);
    ck_assert_int_eq(weir_plugin.owner_restore(owner, 1, &in, &error), 0);
    in = weir_reader_make(owned.data, owned.length - 1);
    ck_assert_int_ne(weir_plugin.owner_restore(owner, 1, &in, &error), 0);
    weir_buffer_free(&whole);
    weir_buffer_free(&parts);
    weir_buffer_free(&saved);
    weir_buffer_free(&owned);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("semantics");
    TCase *tests = tcase_create("semantics");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_good_fields_are_silent);
    tcase_add_test(tests, test_ids_that_are_called_times);
    tcase_add_test(tests, test_personal_data);
    tcase_add_test(tests, test_too_few_values_wait);
    tcase_add_test(tests, test_batches_and_restarts);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
