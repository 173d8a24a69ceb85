// SPDX-License-Identifier: Apache-2.0
#include "stats/rhythm.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/summary.h"

enum { DAYS = 14, HOURS = 24 * DAYS };
static const int64_t HOUR = 3600000, MONDAY = 1760313600000; // 2025-10-13T00:00:00Z

static struct weir_summary hours[HOURS];
static struct weir_habits *habits;

// Each hour of two weeks has 100 records, and as many nulls as its hour of the week is.
static void setup(void)
{
    struct weir_summary_spec spec = {.shape = WEIR_SHAPE_NUMERIC, .parts = WEIR_PART_MOMENTS};
    habits = weir_habits_create();
    habits->stretches = calloc(HOURS, sizeof *habits->stretches);
    habits->n_stretches = HOURS;
    for (int h = 0; h < HOURS; h++) {
        ck_assert_int_eq(weir_summary_init(&hours[h], &spec), 0);
        hours[h].rows = 200;
        hours[h].null = (uint64_t)(h % 168);
        habits->stretches[h] =
            (struct weir_habits_stretch){MONDAY + h * HOUR, MONDAY + (h + 1) * HOUR, &hours[h]};
    }
}

static void teardown(void)
{
    weir_habits_free(habits);
    for (int h = 0; h < HOURS; h++)
        weir_summary_free(&hours[h]);
}

static void same(int64_t from, int64_t to, enum weir_rhythm rhythm, uint64_t rows, uint64_t nulls)
{
    struct weir_summary out;
    ck_assert_int_eq(weir_rhythm_same(habits, from, to, rhythm, &out), 0);
    ck_assert_uint_eq(out.rows, rows);
    ck_assert_uint_eq(out.null, nulls);
    weir_summary_free(&out);
}

START_TEST(the_same_hours_of_the_day_and_of_the_week)
{
    int64_t later = MONDAY + 35 * 24 * HOUR, wednesday = later + 48 * HOUR;
    uint64_t of_days = 0;
    for (int day = 0; day < DAYS; day++)
        for (int h = 22; h < 24; h++)
            of_days += (uint64_t)((24 * day + h) % 168);
    same(wednesday + 22 * HOUR, wednesday + 24 * HOUR, WEIR_RHYTHM_DAY, 2 * DAYS * 200, of_days);
    same(wednesday + 22 * HOUR, wednesday + 24 * HOUR, WEIR_RHYTHM_WEEK, 800, 2 * (70 + 71));
    // Across midnight, and from Sunday to Monday.
    same(later - HOUR, later + HOUR, WEIR_RHYTHM_WEEK, 800, 2 * (167 + 0));
    // A part of an hour is in it.
    same(wednesday + 60000, wednesday + 120000, WEIR_RHYTHM_WEEK, 400, 2 * 48);
}
END_TEST

START_TEST(whole_periods_have_no_hours)
{
    int64_t later = MONDAY + 35 * 24 * HOUR;
    same(later, later + 24 * HOUR, WEIR_RHYTHM_DAY, 0, 0);
    same(later, later + 168 * HOUR, WEIR_RHYTHM_WEEK, 0, 0);
    same(later, later, WEIR_RHYTHM_DAY, 0, 0);
    same(later, later - HOUR, WEIR_RHYTHM_DAY, 0, 0);
    same(INT64_MIN, INT64_MAX, WEIR_RHYTHM_DAY, 0, 0);
    same(INT64_MAX - HOUR, INT64_MAX, WEIR_RHYTHM_DAY, 0, 0);
}
END_TEST

START_TEST(what_the_reference_has_not_is_not_known)
{
    int64_t saturday = MONDAY + 40 * 24 * HOUR;
    habits->n_stretches = 5 * 24; // Monday to Friday
    same(saturday, saturday + 4 * HOUR, WEIR_RHYTHM_WEEK, 0, 0);
    same(saturday - 4 * HOUR, saturday + HOUR, WEIR_RHYTHM_WEEK, 800, 116 + 117 + 118 + 119);
    same(saturday - 3 * HOUR, saturday + HOUR, WEIR_RHYTHM_WEEK, 0, 0);
    habits->n_stretches = 0;
    same(saturday, saturday + HOUR, WEIR_RHYTHM_DAY, 0, 0);
    struct weir_summary out;
    ck_assert_int_eq(weir_rhythm_same(NULL, saturday, saturday + HOUR, WEIR_RHYTHM_DAY, &out), 0);
    ck_assert_uint_eq(out.rows, 0);
}
END_TEST

START_TEST(numbers_of_rows_and_absurd_stretches_are_no_times)
{
    int64_t later = MONDAY + 35 * 24 * HOUR;
    for (int h = 0; h < HOURS; h++) {
        habits->stretches[h].start -= MONDAY;
        habits->stretches[h].end -= MONDAY;
    }
    same(later, later + HOUR, WEIR_RHYTHM_DAY, 0, 0);
    habits->stretches[0].start = INT64_MIN;
    habits->stretches[1] = (struct weir_habits_stretch){MONDAY, INT64_MAX, &hours[1]};
    habits->stretches[2] = (struct weir_habits_stretch){INT64_MAX - 1, INT64_MAX, &hours[2]};
    habits->stretches[3] = (struct weir_habits_stretch){MONDAY, MONDAY - 1, &hours[3]};
    same(later, later + HOUR, WEIR_RHYTHM_DAY, 0, 0);
}
END_TEST

// Longer stretches lie in hours by half or more of them.
START_TEST(long_stretches)
{
    int64_t later = MONDAY + 35 * 24 * HOUR;
    for (int k = 0; k < HOURS / 6; k++)
        habits->stretches[k] = (struct weir_habits_stretch){MONDAY + 6 * k * HOUR,
                                                            MONDAY + 6 * (k + 1) * HOUR, &hours[k]};
    habits->n_stretches = HOURS / 6;
    same(later, later + 2 * HOUR, WEIR_RHYTHM_DAY, 0, 0);
    same(later, later + 3 * HOUR, WEIR_RHYTHM_DAY, DAYS * 200, 4 * (13 * DAYS / 2));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rhythm");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, the_same_hours_of_the_day_and_of_the_week);
    tcase_add_test(all, whole_periods_have_no_hours);
    tcase_add_test(all, what_the_reference_has_not_is_not_known);
    tcase_add_test(all, numbers_of_rows_and_absurd_stretches_are_no_times);
    tcase_add_test(all, long_stretches);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
