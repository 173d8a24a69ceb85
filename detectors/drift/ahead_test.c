// SPDX-License-Identifier: Apache-2.0
#include "detectors/drift/ahead.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "detectors/drift/drift.h"
#include "stats/cells_build.h"
#include "stats/summary.h"

enum { N = 720 };
static const int64_t HOUR = 3600000;

static struct weir_cells *cells;
static struct drift_field field;
static struct drift drift;
static struct drift_memory memory;
static struct drift_counts pooled;
static struct drift_ahead ahead;
static float signals[N * WEIR_SIGNALS], foreseen[N * WEIR_SIGNAL_CATEGORIES];
static double now[WEIR_SIGNALS];
static uint64_t state;

static double uniform(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return ((double)(state >> 11) + .5) * 0x1p-53;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
}

// A month of a level that remembers nine tenths of the hour before, seen through a little noise;
// there is no window in hours `gap` to gap + 5.
static void setup_with(int gap)
{
    double x[1000], level = 0;
    int64_t hour = 0;
    state = 7;
    for (int i = 0; i < 1000; i++)
        x[i] = i;
    ck_assert_int_eq(weir_cells_build_numeric(x, 1000, &cells, NULL), 0);
    pooled.n = cells->n;
    field.cells = cells;
    drift = (struct drift){.fields = &field, .n_fields = 1, .window = HOUR, .hop = HOUR};
    memory = (struct drift_memory){.drift = &drift};
    memory.calibration.ahead = &ahead;
    memory.calibration.pooled = &pooled;
    memory.calibration.signals = now;
    memory.calibration.stretch.items = calloc(N, sizeof *memory.calibration.stretch.items);
    memory.calibration.stretch.n = N;
    for (int w = 0; w < N; w++, hour++) {
        for (; hour < gap + 6 && hour >= gap; hour++)
            level = .9 * level + .1 * sqrt(1 - .81) * normal();
        level = .9 * level + .1 * sqrt(1 - .81) * normal();
        memory.calibration.stretch.items[w].start = hour * HOUR;
        signals[w * WEIR_SIGNALS] = (float)(level + .02 * normal());
    }
    drift_ahead_learn(&memory, signals, foreseen);
    ck_assert_double_gt(ahead.gain, .3);
}

static void teardown(void)
{
    free(memory.calibration.stretch.items);
    weir_cells_free(cells);
}

START_TEST(what_comes_after_the_stretch_is_foreseen)
{
    double out[WEIR_SIGNAL_CATEGORIES];
    int64_t last;
    setup_with(-10);
    last = memory.calibration.stretch.items[N - 1].start;
    ck_assert(isnan(foreseen[0])); // nothing comes before the first
    ck_assert(!isnan(foreseen[WEIR_SIGNAL_CATEGORIES]));
    ck_assert(drift_ahead_knows(&memory, 0, last + HOUR));
    drift_ahead_at(&memory, 0, last + HOUR, out);
    double seen = (double)signals[(N - 1) * WEIR_SIGNALS];
    ck_assert_double_eq_tol(out[0], ahead.keep * seen, .05);
    ck_assert_double_ne(out[0], 0);
    teardown();
}
END_TEST

START_TEST(after_a_gap_nothing_is_foreseen_until_a_window_is_seen)
{
    double out[WEIR_SIGNAL_CATEGORIES];
    setup_with(300);
    for (size_t w = 1; w < N; w++)
        ck_assert_msg(isnan(foreseen[w * WEIR_SIGNAL_CATEGORIES]) == (w == 300), "%zu", w);
    int64_t later = memory.calibration.stretch.items[N - 1].start + 6 * HOUR;
    ck_assert(!drift_ahead_knows(&memory, 0, later));
    drift_ahead_at(&memory, 0, later, out);
    ck_assert_double_eq(out[0], 0);
    // A window of which nothing is known is a part of the gap; so is one that moved.
    struct drift_verdict moved = {.field = &field};
    for (int k = 0; k < WEIR_SIGNALS; k++)
        now[k] = NAN;
    drift_ahead_add(&memory, later, NULL, 0);
    ck_assert(!drift_ahead_knows(&memory, 0, later + HOUR));
    now[0] = .5;
    drift_ahead_add(&memory, later + HOUR, &moved, 1);
    ck_assert(!drift_ahead_knows(&memory, 0, later + 2 * HOUR));
    // The first that is seen is nearly all that is known: noise is small.
    drift_ahead_add(&memory, later + 2 * HOUR, NULL, 0);
    ck_assert(drift_ahead_knows(&memory, 0, later + 3 * HOUR));
    drift_ahead_at(&memory, 0, later + 3 * HOUR, out);
    ck_assert_double_gt(out[0], .8 * ahead.keep * .5);
    ck_assert_double_le(out[0], ahead.keep * .5);
    teardown();
}
END_TEST

START_TEST(what_moved_is_not_learnt_from)
{
    double before[WEIR_SIGNAL_CATEGORIES], after[WEIR_SIGNAL_CATEGORIES];
    setup_with(-10);
    struct drift_verdict moved = {.field = &field};
    int64_t next = memory.calibration.stretch.items[N - 1].start + HOUR;
    drift_ahead_at(&memory, 0, next, before);
    now[0] = 5;
    drift_ahead_add(&memory, next, &moved, 1);
    ck_assert(drift_ahead_knows(&memory, 0, next + HOUR));
    drift_ahead_at(&memory, 0, next + HOUR, after);
    ck_assert_double_eq_tol(after[0], ahead.keep * before[0], 1e-12);
    teardown();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ahead");
    TCase *cases = tcase_create("ahead");
    tcase_add_test(cases, what_comes_after_the_stretch_is_foreseen);
    tcase_add_test(cases, after_a_gap_nothing_is_foreseen_until_a_window_is_seen);
    tcase_add_test(cases, what_moved_is_not_learnt_from);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
