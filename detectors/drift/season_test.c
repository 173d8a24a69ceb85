// SPDX-License-Identifier: Apache-2.0
#include "detectors/drift/season.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "detectors/drift/drift.h"
#include "stats/cells_build.h"
#include "stats/summary.h"

enum { DAYS = 28, N = DAYS * 24 };
static const int64_t HOUR = 3600000;

static struct weir_cells *cells;
static struct drift_field field;
static struct drift drift;
static struct drift_memory memory;
static struct drift_counts pooled, hour, near, own_hour, own_near, now;
static struct drift_usual own;
static double *room;

// Four weeks of hours from a Monday on; window w has w + 1 rows, all of them in its first cell on
// the eleventh day and in its last on others.
static void setup(void)
{
    struct drift_counts *const all[] = {&pooled, &hour, &near, &own_hour, &own_near, &now};
    double x[1000];
    for (int i = 0; i < 1000; i++)
        x[i] = i;
    ck_assert_int_eq(weir_cells_build_numeric(x, 1000, &cells, NULL), 0);
    field.cells = cells;
    drift = (struct drift){.fields = &field, .n_fields = 1, .window = HOUR, .hop = HOUR};
    memory = (struct drift_memory){.drift = &drift};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        ck_assert_int_eq(drift_counts_init(all[k], cells->n), 0);
    own = (struct drift_usual){.hour = &own_hour, .near = &own_near};
    memory.calibration.pooled = &pooled;
    memory.calibration.usual_now = (struct drift_usual){.hour = &hour, .near = &near};
    memory.calibration.room = room = malloc(2 * cells->n * sizeof *room);
    memory.calibration.room_cells = cells->n;
    for (int64_t w = 0; w < N; w++) {
        int64_t start = (w + 4 * 24) * HOUR; // 1970-01-05, a Monday
        drift_counts_reset(&now);
        now.rows = now.values = (uint64_t)w + 1;
        now.cell[w / 24 == 10 ? 0 : cells->n - 1] = now.rows;
        ck_assert_int_eq(
            drift_history_add(&memory.calibration.stretch, start, start + HOUR, &now, 1), 0);
    }
    memory.calibration.learnt_from = N;
    ck_assert_int_eq(drift_season_learn_all(&memory), 0);
}

static void teardown(void)
{
    struct drift_counts *const all[] = {&pooled, &hour, &near, &own_hour, &own_near, &now};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        drift_counts_free(all[k]);
    drift_season_free(&memory);
    drift_history_free(&memory.calibration.stretch);
    weir_cells_free(cells);
    free(room);
}

static void sum_own(size_t window)
{
    struct drift_own_windows list = {0};
    size_t n_hour, n_near;
    ck_assert_int_eq(drift_season_list_own(&memory, window, &list, &n_hour, &n_near), 0);
    ck_assert_uint_eq(list.n, n_hour + n_near);
    drift_counts_reset(&own_hour);
    drift_counts_reset(&own_near);
    for (size_t k = 0; k < list.n; k++)
        ck_assert_int_eq(drift_entry_add(&memory.calibration.stretch.items[list.of[k]],
                                         k < n_hour ? &own_hour : &own_near, 1),
                         0);
    own.near_windows = n_near;
    free(list.of);
}

static void sums_are(size_t window, uint64_t of_hour, uint64_t of_near, size_t near_windows)
{
    sum_own(window);
    ck_assert_uint_eq(own_hour.rows, of_hour);
    ck_assert_uint_eq(own_near.rows, of_near);
    ck_assert_uint_eq(own.near_windows, near_windows);
}

START_TEST(a_window_s_own_day_is_its_hour_and_those_beside_it)
{
    sums_are(10 * 24 + 12, 253, 252 + 254, 2); // noon of a Thursday
    sums_are(10 * 24, 241, 240 + 242, 2);      // its midnight: the hour before is yesterday's
    sums_are(12 * 24, 289, 290, 1);            // Saturday's: on working days it is another season
    sums_are(0, 1, 2, 1);
    sums_are(N - 1, N, N - 1, 1);
}
END_TEST

START_TEST(what_is_expected_of_a_window_knows_nothing_of_its_day)
{
    struct drift_calibration *calibration = &memory.calibration;
    size_t window = 10 * 24 + 12, last = cells->n - 1;
    int64_t start = calibration->stretch.items[window].start;
    ck_assert_int_eq(drift_calibration_season(&memory, start), 0);
    struct weir_expectation all = drift_season_expect(&memory, 0, &calibration->usual_now, NULL);
    ck_assert_double_gt(all.share[0], .04); // one of twenty days
    sum_own(window);
    struct weir_expectation others = drift_season_expect(&memory, 0, &calibration->usual_now, &own);
    // But for the little that the whole stretch is worth: a tenth of a window.
    ck_assert_double_lt(others.share[0], .001);
    ck_assert_double_gt(others.share[last], .999);
    ck_assert_double_gt(others.worth, .8 * all.worth);
    ck_assert_double_lt(others.worth, all.worth);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("season");
    TCase *cases = tcase_create("season");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_window_s_own_day_is_its_hour_and_those_beside_it);
    tcase_add_test(cases, what_is_expected_of_a_window_knows_nothing_of_its_day);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
