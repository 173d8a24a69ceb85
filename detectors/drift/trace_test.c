// SPDX-License-Identifier: Apache-2.0
#include "detectors/drift/trace.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "weir/error.h"

enum { MOST = 8, WIDTH = 3 };
static const int64_t HOUR = 3600000;

static void add(struct drift_trace *trace, int64_t start, int64_t span, double a, double b)
{
    drift_trace_begin(trace, start, start + span);
    drift_trace_put(trace, 0, a);
    drift_trace_put(trace, 1, b);
    drift_trace_end(trace);
}

static size_t take(const struct drift_trace *trace, size_t signal, int64_t from, double *y)
{
    int64_t start[MOST], end[MOST];
    size_t n = drift_trace_take(trace, signal, from, y, start, end);
    for (size_t i = 0; i < n; i++)
        ck_assert(start[i] >= from && end[i] > start[i] && (!i || start[i] >= end[i - 1]));
    return n;
}

START_TEST(the_newest_steps_are_kept)
{
    struct drift_trace trace;
    double y[MOST];
    ck_assert_int_eq(drift_trace_init(&trace, MOST, WIDTH), 0);
    for (int i = 0; i < 20; i++)
        add(&trace, i * HOUR, HOUR, i / 10.0, i % 2 ? NAN : -1);
    ck_assert_uint_eq(take(&trace, 0, INT64_MIN, y), MOST);
    for (int i = 0; i < MOST; i++)
        ck_assert_double_eq_tol(y[i], (12 + i) / 10.0, 2e-4);
    ck_assert_uint_eq(take(&trace, 1, INT64_MIN, y), MOST / 2);
    ck_assert_uint_eq(take(&trace, 2, INT64_MIN, y), 0);
    ck_assert_uint_eq(take(&trace, 0, 18 * HOUR, y), 2);
    drift_trace_erase(&trace, 0, 1, 13 * HOUR, 15 * HOUR);
    ck_assert_uint_eq(take(&trace, 0, INT64_MIN, y), MOST - 2);
    drift_trace_free(&trace);
}
END_TEST

START_TEST(short_windows_become_steps_of_an_hour)
{
    struct drift_trace trace;
    double y[MOST];
    ck_assert_int_eq(drift_trace_init(&trace, MOST, WIDTH), 0);
    for (int i = 0; i < 30; i++)
        add(&trace, i * HOUR / 12, HOUR / 12, i % 12, 9);
    ck_assert_uint_eq(take(&trace, 0, INT64_MIN, y), 2);
    ck_assert_double_eq_tol(y[0], 5.5, 2e-4);
    ck_assert_double_eq_tol(y[1], 5.5, 2e-4);
    // Beyond what it can hold is the most that it can.
    take(&trace, 1, INT64_MIN, y);
    ck_assert_double_gt(y[0], 7.9);
    drift_trace_free(&trace);
}
END_TEST

START_TEST(windows_that_hop_are_taken_once)
{
    struct drift_trace trace;
    double y[MOST];
    ck_assert_int_eq(drift_trace_init(&trace, MOST, WIDTH), 0);
    for (int i = 0; i < 13; i++)
        add(&trace, i * HOUR / 4, HOUR, i % 4 ? 5 : 1, 0);
    ck_assert_uint_eq(take(&trace, 0, INT64_MIN, y), 4);
    for (int i = 0; i < 4; i++)
        ck_assert_double_eq_tol(y[i], 1, 2e-4);
    // Of before: another stretch of time.
    add(&trace, -5 * HOUR, HOUR, 2, 2);
    ck_assert_uint_eq(take(&trace, 0, INT64_MIN, y), 1);
    drift_trace_free(&trace);
}
END_TEST

START_TEST(bytes_are_read_again_and_garbage_is_not)
{
    static const int same[] = {0, 1, 2}, other[] = {-1, 0, 1};
    struct drift_trace trace, read;
    struct weir_buffer bytes, again;
    double y[MOST];
    ck_assert_int_eq(drift_trace_init(&trace, MOST, WIDTH), 0);
    weir_buffer_init(&bytes, 1 << 16);
    weir_buffer_init(&again, 1 << 16);
    for (int i = 0; i < 20; i++)
        add(&trace, i * HOUR, HOUR, i / 10.0, i % 2 ? NAN : -1);
    add(&trace, 20 * HOUR, HOUR / 4, .5, .25);
    drift_trace_write(&trace, &bytes);
    ck_assert_int_eq(drift_trace_init(&read, MOST, WIDTH), 0);
    struct weir_reader in = weir_reader_make(bytes.data, bytes.length);
    ck_assert_int_eq(drift_trace_read(&read, &in, same, WIDTH, 1), 0);
    drift_trace_write(&read, &again);
    ck_assert_uint_eq(bytes.length, again.length);
    ck_assert_mem_eq(bytes.data, again.data, bytes.length);
    drift_trace_free(&read);
    // Fields that are in another place, one of which is gone; and room for less.
    ck_assert_int_eq(drift_trace_init(&read, 4, WIDTH), 0);
    in = weir_reader_make(bytes.data, bytes.length);
    ck_assert_int_eq(drift_trace_read(&read, &in, other, WIDTH, 1), 0);
    ck_assert_uint_eq(take(&read, 0, INT64_MIN, y), 2);
    ck_assert_double_eq_tol(y[0], -1, 2e-4);
    for (size_t length = 0; length < bytes.length; length++) {
        in = weir_reader_make(bytes.data, length);
        ck_assert_int_eq(drift_trace_read(&read, &in, same, WIDTH, 1), WEIR_ECORRUPT);
    }
    for (size_t at = 0; at < bytes.length; at++) {
        uint8_t was = bytes.data[at];
        for (int bit = 0; bit < 8; bit++) {
            bytes.data[at] = was ^ (uint8_t)(1 << bit);
            in = weir_reader_make(bytes.data, bytes.length);
            if (!drift_trace_read(&read, &in, same, WIDTH, 1))
                take(&read, 0, INT64_MIN, y);
        }
        bytes.data[at] = was;
    }
    drift_trace_free(&read);
    drift_trace_free(&trace);
    weir_buffer_free(&bytes);
    weir_buffer_free(&again);
}
END_TEST

// Nothing was ever at such a time, and no difference of two may overflow.
START_TEST(times_that_are_none_are_refused)
{
    static const int same[] = {0, 1, 2};
    static const int64_t times[] = {INT64_MIN, INT64_MIN + 1, -(INT64_MAX / 4) - 1,
                                    INT64_MAX / 4 + 1, INT64_MAX};
    struct drift_trace read;
    struct weir_buffer bytes;
    ck_assert_int_eq(drift_trace_init(&read, MOST, WIDTH), 0);
    weir_buffer_init(&bytes, 1 << 16);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        for (int going = 0; going < 2; going++) {
            // A step that is kept, or one that is under way.
            const int64_t kept[] = {1, times[i], HOUR, 0}, under_way[] = {0, 1, times[i], HOUR};
            weir_buffer_reset(&bytes);
            for (int k = 0; k < 4; k++)
                weir_put_long(&bytes, going ? under_way[k] : kept[k]);
            for (int k = 0; k < 2 * WIDTH; k++)
                weir_put_long(&bytes, 0);
            struct weir_reader in = weir_reader_make(bytes.data, bytes.length);
            ck_assert_int_eq(drift_trace_read(&read, &in, same, WIDTH, 1), WEIR_ECORRUPT);
        }
    drift_trace_free(&read);
    weir_buffer_free(&bytes);
}
END_TEST

START_TEST(so_much_is_kept_of_so_many_fields)
{
    ck_assert_uint_eq(drift_trace_steps(0), DRIFT_TRACE);
    ck_assert_uint_eq(drift_trace_steps(500), DRIFT_TRACE);
    ck_assert_uint_eq(drift_trace_steps(1000), 419);
    ck_assert_uint_eq(drift_trace_steps(1000000), 96);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trace");
    TCase *tests = tcase_create("trace");
    tcase_add_test(tests, the_newest_steps_are_kept);
    tcase_add_test(tests, short_windows_become_steps_of_an_hour);
    tcase_add_test(tests, windows_that_hop_are_taken_once);
    tcase_add_test(tests, bytes_are_read_again_and_garbage_is_not);
    tcase_add_test(tests, times_that_are_none_are_refused);
    tcase_add_test(tests, so_much_is_kept_of_so_many_fields);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
