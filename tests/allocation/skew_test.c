// SPDX-License-Identifier: Apache-2.0
// Two streams side by side without memory: records, pairs, closing, state. What fails says so, and
// can be thrown away.
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/skew/skew.h"
#include "stats/buffer.h"
#include "tests/allocation/fail.h"

extern const struct weir_plugin weir_plugin;

enum { ROWS = 300 };

static const struct weir_field fields[] = {{.name = "id", .type = WEIR_TYPE_LONG},
                                           {.name = "amount", .type = WEIR_TYPE_DOUBLE}};
static const struct weir_stream served = {
    .name = "served+offline", .fields = fields, .n_fields = 2, .key = 0, .time = -1};
static const struct weir_stream offline = {
    .name = "offline", .fields = fields, .n_fields = 2, .key = 0, .time = -1};

static void on_hold(const struct weir_setup *setup, int64_t ms)
{
    (void)setup, (void)ms;
}

static int make(void **instance)
{
    static const int judged[] = {1};
    static const char *const tolerances[] = {"amount: 0.01"};
    static const struct weir_option_value values[SKEW_OPTIONS] = {
        [SKEW_MISMATCH] = {.set = 1, .number = .01},
        [SKEW_UNPAIRED] = {.set = 1, .number = .05},
        [SKEW_MINIMUM] = {.set = 1, .integer = 10},
        [SKEW_TOLERANCE] = {.set = 1, .strings = tolerances, .n_strings = 1},
        [SKEW_OPEN_ROWS] = {.set = 1, .integer = 1000},
        [SKEW_ENTITIES] = {.set = 1, .integer = 100}};
    static const struct weir_follower follower = {sizeof follower, &offline, 1000};
    struct weir_detector_config config = {.stream = &served,
                                          .fields = judged,
                                          .n_fields = 1,
                                          .redact = 1,
                                          .options = values,
                                          .follower = &follower};
    struct weir_setup setup = {.size = sizeof setup, .hold_open = on_hold};
    struct weir_error error;
    return weir_plugin.create(&config, &setup, instance, &error);
}

static void on_limit(const struct weir_edge *edge, const char *what, uint64_t n)
{
    (void)edge, (void)what, (void)n;
}

static int show(void *edge, int follows, struct weir_error *error)
{
    static int64_t numbers[ROWS], times[ROWS], pane[ROWS];
    static double amounts[ROWS];
    static const uint8_t none[ROWS];
    for (int i = 0; i < ROWS; i++) {
        numbers[i] = i % 50;
        times[i] = i * 10;
        amounts[i] = follows ? i : i * 1.5;
    }
    struct weir_column columns[] = {
        {.type = WEIR_TYPE_LONG, .n = ROWS, .state = none, .values.i64 = numbers},
        {.type = WEIR_TYPE_DOUBLE, .n = ROWS, .state = none, .values.f64 = amounts}};
    struct weir_batch batch = {.stream = follows ? &offline : &served,
                               .topic = "t",
                               .n_rows = ROWS,
                               .time = times,
                               .offset = times,
                               .fault = none,
                               .columns = columns};
    struct weir_edge host = {.size = sizeof host,
                             .pane = pane,
                             .late = none,
                             .limit = on_limit,
                             .follows = follows,
                             .complete = follows ? ROWS * 5 : 0};
    return weir_plugin.edge_observe(edge, &batch, &host, error);
}

static void *instance;

static void setup(void)
{
    ck_assert_int_eq(make(&instance), 0);
}

static void teardown(void)
{
    weir_plugin.destroy(instance);
}

START_TEST(instance_is_created)
{
    struct weir_fail fail = {0};
    while (weir_fail_next(&fail)) {
        void *made = NULL;
        weir_fail_on(&fail);
        int code = make(&made);
        weir_fail_off(&fail);
        ck_assert_int_eq(code, fail.failed ? WEIR_ENOMEM : 0);
        weir_plugin.destroy(made);
    }
    ck_assert_int_ge(fail.points, 5);
}
END_TEST

START_TEST(edge_observes_and_closes)
{
    struct weir_fail fail = {0};
    struct weir_error error;
    while (weir_fail_next(&fail)) {
        struct weir_buffer out;
        void *edge = NULL;
        weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
        weir_fail_on(&fail);
        int code = weir_plugin.edge_create(instance, &edge, &error);
        if (!code)
            code = show(edge, 0, &error);
        if (!code)
            code = show(edge, 1, &error);
        if (!code)
            code = weir_plugin.edge_close(edge, 0, 3600000, &out, &error);
        weir_fail_off(&fail);
        ck_assert_int_eq(code, fail.failed ? WEIR_ENOMEM : 0);
        weir_buffer_free(&out);
        weir_plugin.edge_destroy(edge);
    }
    ck_assert_int_ge(fail.points, 50);
}
END_TEST

// What failed once goes on with what it has.
START_TEST(edge_goes_on)
{
    struct weir_fail fail = {0};
    struct weir_error error;
    while (weir_fail_next(&fail)) {
        struct weir_buffer out;
        void *edge;
        weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
        ck_assert_int_eq(weir_plugin.edge_create(instance, &edge, &error), 0);
        ck_assert_int_eq(show(edge, 0, &error), 0);
        weir_fail_on(&fail);
        int code = show(edge, 1, &error);
        weir_fail_off(&fail);
        ck_assert_int_eq(code, fail.failed ? WEIR_ENOMEM : 0);
        ck_assert_int_eq(show(edge, 1, &error), 0);
        ck_assert_int_eq(weir_plugin.edge_save(edge, &out), 0);
        ck_assert_int_eq(weir_plugin.edge_close(edge, 0, 3600000, &out, &error), 0);
        weir_buffer_free(&out);
        weir_plugin.edge_destroy(edge);
    }
    ck_assert_int_ge(fail.points, 20);
}
END_TEST

START_TEST(state_is_restored)
{
    struct weir_fail fail = {0};
    struct weir_error error;
    struct weir_buffer state;
    void *edge;
    weir_buffer_init(&state, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_plugin.edge_create(instance, &edge, &error), 0);
    ck_assert_int_eq(show(edge, 0, &error), 0);
    ck_assert_int_eq(show(edge, 1, &error), 0);
    ck_assert_int_eq(weir_plugin.edge_save(edge, &state), 0);
    weir_plugin.edge_destroy(edge);
    while (weir_fail_next(&fail)) {
        ck_assert_int_eq(weir_plugin.edge_create(instance, &edge, &error), 0);
        struct weir_reader in = weir_reader_make(state.data, state.length);
        weir_fail_on(&fail);
        int code = weir_plugin.edge_restore(edge, weir_plugin.state_version, &in, &error);
        weir_fail_off(&fail);
        ck_assert_int_eq(code, fail.failed ? WEIR_ENOMEM : 0);
        weir_plugin.edge_destroy(edge);
    }
    ck_assert_int_ge(fail.points, 30);
    weir_buffer_free(&state);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("allocation_skew");
    TCase *tests = tcase_create("skew");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, instance_is_created);
    tcase_add_test(tests, edge_observes_and_closes);
    tcase_add_test(tests, edge_goes_on);
    tcase_add_test(tests, state_is_restored);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
