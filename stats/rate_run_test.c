// SPDX-License-Identifier: Apache-2.0
// Rates that rise a little: found in as many windows as information theory says, and hardly ever
// where nothing has risen.
#include "stats/rate_run.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ADOPT = 24 };
static uint64_t dice;

static double even(void)
{
    dice = dice * 6364136223846793005u + 1442695040888963407u;
    return (double)(dice >> 11) / 9007199254740992.0;
}

static double draw(double rate, int of)
{
    int hits = 0;
    for (int i = 0; i < of; i++)
        hits += even() < rate;
    return hits;
}

static const struct weir_rate_sum *step(struct weir_rate_run *run, double known, double rise,
                                        double threshold, double hits, double of, int64_t at)
{
    double usual = weir_rate_usual(run, known);
    struct weir_rate_rules rules = {.known = known,
                                    .rises = {usual + rise, usual + 4 * rise},
                                    .threshold = threshold,
                                    .part = 1,
                                    .adopt = ADOPT};
    return weir_rate_step(run, &rules, hits, of, at);
}

START_TEST(a_small_rise_is_found_in_time)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct weir_rate_run run = {.n = 0};
        dice = seed;
        int at = 0;
        for (; at < 40; at++)
            ck_assert_ptr_null(step(&run, NAN, 0.02, 21, draw(0.05, 900), 900, at));
        const struct weir_rate_sum *sum = NULL;
        while (!sum && at < 100) {
            sum = step(&run, NAN, 0.02, 21, draw(0.09, 900), 900, at);
            at++;
        }
        // 900 times the divergence of 9% from 6% is 5.9 nats a window, of what 21 are needed.
        ck_assert_ptr_nonnull(sum);
        ck_assert_int_le(at, 40 + 9);
        ck_assert_double_eq_tol(sum->hits / sum->of, 0.09, 0.02);
        ck_assert_int_ge(sum->since, 36);
        ck_assert_int_eq(sum->since + sum->windows, at);
        // It ends soon after the fault, and lasts no longer than a new normal takes.
        int more = 0;
        while (step(&run, NAN, 0.02, 21, draw(0.05, 900), 900, at++))
            more++;
        ck_assert_int_le(more, 6);
    }
}
END_TEST

// At a threshold of 5, so that there is something to count: at least exp(5) / 2 windows from one
// false alarm to the next.
START_TEST(false_alarms)
{
    int alarms = 0, windows = 60000, open = 0;
    struct weir_rate_run run = {.n = 0};
    dice = 5;
    for (int i = 0; i < windows; i++) {
        int now = step(&run, 0.1, 0.02, 5, draw(0.1, 200), 200, i) != NULL;
        alarms += now && !open;
        open = now;
    }
    ck_assert_int_le(alarms, windows / 74);
    ck_assert_int_gt(alarms, 0); // the test can fail
}
END_TEST

// A rhythm of the day, once a day of it is known, is no rise; and a rate that stays is normal.
START_TEST(rhythm_and_new_normal)
{
    struct weir_rate_run run = {.n = 0};
    dice = 3;
    int told = 0, i = 0;
    for (; i < 24 * 40; i++)
        told += step(&run, NAN, 0.01, 21, draw(0.03 + 0.025 * sin(i / 24.0 * 6.283185), 2000), 2000,
                     i) != NULL;
    ck_assert_int_eq(told, 0);
    for (; i < 24 * 60; i++)
        told += step(&run, NAN, 0.01, 21, draw(0.2, 2000), 2000, i) != NULL;
    ck_assert_int_gt(told, 10);
    ck_assert_int_le(told, ADOPT);
    ck_assert_double_ge(weir_rate_usual(&run, NAN), 0.19);
}
END_TEST

// Windows that differ more than chance would have it count for less.
START_TEST(clustered_records)
{
    struct weir_rate_run run = {.n = 0};
    dice = 9;
    int told = 0;
    for (int i = 0; i < 2000; i++)
        told += step(&run, NAN, 0.02, 12, 25 * draw(0.1, 40), 1000, i) != NULL;
    ck_assert_int_eq(told, 0);
    ck_assert_double_le(weir_rate_part(&run, 1), 0.1);
}
END_TEST

START_TEST(odd_windows)
{
    struct weir_rate_run run = {.n = 0};
    ck_assert_ptr_null(step(&run, 0.1, 0.02, 21, 0, 0, 0));
    ck_assert_uint_eq(run.n, 0);
    for (int i = 0; i < 60; i++)
        ck_assert_ptr_null(step(&run, NAN, 0.02, 21, 0, 1000, i));
    ck_assert_double_eq(weir_rate_usual(&run, NAN), 0);
    const struct weir_rate_sum *sum = step(&run, NAN, 0.02, 21, 1000, 1000, 60);
    ck_assert_ptr_nonnull(sum);
    ck_assert(isfinite(sum->score));
    struct weir_rate_run always = {.n = 0};
    for (int i = 0; i < 60; i++)
        ck_assert_ptr_null(step(&always, 1, 0.02, 21, 1000, 1000, i));
}
END_TEST

START_TEST(bytes)
{
    struct weir_rate_run run = {.n = 0}, again;
    struct weir_buffer out, more;
    weir_buffer_init(&out, 4096);
    weir_buffer_init(&more, 4096);
    dice = 2;
    for (int i = 0; i < 50; i++)
        step(&run, 0.02, 0.02, 21, draw(i < 40 ? 0.02 : 0.06, 500), 500, i * 1000);
    weir_rate_write(&run, &out);
    struct weir_reader in = weir_reader_make(out.data, out.length);
    weir_rate_read(&again, &in);
    ck_assert(!in.failed && !weir_reader_left(&in));
    weir_rate_write(&again, &more);
    ck_assert_uint_eq(more.length, out.length);
    ck_assert_mem_eq(more.data, out.data, out.length);
    for (size_t n = 0; n < out.length; n++) {
        struct weir_rate_run kept = {.n = 7};
        in = weir_reader_make(out.data, n);
        weir_rate_read(&kept, &in);
        ck_assert(in.failed);
        ck_assert_uint_eq(kept.n, 7);
    }
    // Whatever is read goes on without harm.
    for (size_t n = 0; n < out.length; n++) {
        out.data[n] ^= 0x55;
        in = weir_reader_make(out.data, out.length);
        struct weir_rate_run odd = {.n = 0};
        weir_rate_read(&odd, &in);
        const struct weir_rate_sum *sum = step(&odd, 0.02, 0.02, 21, 10, 500, 0);
        ck_assert(!sum || sum->score >= 21);
        out.data[n] ^= 0x55;
    }
    weir_buffer_free(&out);
    weir_buffer_free(&more);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rate run");
    TCase *cases = tcase_create("rate run");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_small_rise_is_found_in_time);
    tcase_add_test(cases, false_alarms);
    tcase_add_test(cases, rhythm_and_new_normal);
    tcase_add_test(cases, clustered_records);
    tcase_add_test(cases, odd_windows);
    tcase_add_test(cases, bytes);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
