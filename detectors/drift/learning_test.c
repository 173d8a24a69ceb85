// SPDX-License-Identifier: Apache-2.0
// A calibration that is learnt in parts: it is the one learnt at once, and a restored owner goes on
// with it.
#include "detectors/drift/learning.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/drift/drift_harness.h"
#include "stats/cells.h"
#include "stats/cells_build.h"
#include "stats/draw_inside.h"
#include "stats/special.h"
#include "stats/summary.h"

enum { FIELDS = 40, ROWS = 200, DAY = 24, HOUR = 3600000, DAYS = 7, N = DAYS * DAY };

static struct weir_field fields[FIELDS];
static char names[FIELDS][8];
static struct weir_stream stream = {.name = "s", .fields = fields, .n_fields = FIELDS};
static struct weir_cells *cells[2];
static struct weir_summary now[FIELDS], reference[FIELDS];
static double left[FIELDS];
static unsigned found, learnt;
static int for_good;

// A fifth are categories; a daily rhythm and a memory; some nulls.
static void draw_window(int64_t hour)
{
    for (size_t f = 0; f < FIELDS; f++) {
        struct weir_summary *into = &now[f];
        double day = sin(6.283185307179586 * (double)((hour + 5 * (int64_t)f) % DAY) / DAY);
        left[f] = .9 * left[f] + .05 * draw_normal();
        memset(into->cell, 0, into->cells->n * sizeof *into->cell);
        into->null = (uint64_t)(4 * draw_uniform());
        into->values = ROWS - into->null;
        into->rows = ROWS;
        for (uint64_t i = 0; i < into->values; i++) {
            double x = .3 * day + left[f] + draw_normal();
            size_t cell =
                f % 5 == 4 ? (size_t)fmin(fmax(x + 2, 0), 3) : weir_cells_find(cells[0], x);
            into->cell[cell]++;
        }
    }
}

static const struct weir_cells *on_cells(const struct weir_setup *setup, int field)
{
    (void)setup;
    return cells[field % 5 == 4];
}

static const struct weir_summary *setup_reference(const struct weir_setup *setup, size_t i,
                                                  int field)
{
    (void)setup;
    return i ? NULL : &reference[field];
}

static const struct weir_summary *on_reference(const struct weir_window *window, size_t i,
                                               int field)
{
    (void)window;
    return i ? NULL : &reference[field];
}

static const struct weir_summary *on_summary(const struct weir_window *window, size_t slice,
                                             int field)
{
    (void)window, (void)slice;
    return &now[field];
}

static void on_emit(const struct weir_window *window, const struct weir_finding *finding)
{
    (void)window, (void)finding;
    found++;
}

static void on_report(const struct weir_window *window, size_t slice, int field,
                      const struct weir_statistic *statistic)
{
    (void)window, (void)slice, (void)field;
    if (strcmp(statistic->name, "calibration.threshold") != 0)
        return;
    learnt++;
    for_good = statistic->threshold > 0;
}

static const char *const references[] = {"training", "prev"};
static const struct weir_reference_spec specs[] = {
    {.size = sizeof *specs, .kind = WEIR_REFERENCE_PROFILE},
    {.size = sizeof *specs, .kind = WEIR_REFERENCE_PREVIOUS, .windows = 24}};

static void *make_instance(int at_once)
{
    static int all[FIELDS];
    for (int f = 0; f < FIELDS; f++)
        all[f] = f;
    struct weir_detector_config config = {.stream = &stream,
                                          .fields = all,
                                          .n_fields = FIELDS,
                                          .n_references = 2,
                                          .references = references,
                                          .reference_specs = specs,
                                          .calibration_last = DAYS * DAY * (int64_t)HOUR,
                                          .alarms_per = DAYS * DAY * (int64_t)HOUR,
                                          .calibration_at_once = at_once};
    struct weir_setup setup = {
        .size = sizeof setup, .need = on_need, .reference = setup_reference, .cells = on_cells};
    return make_auto(config, &setup, 100, 0);
}

static void judge(void *owner, int64_t hour)
{
    struct weir_window host = {.summary = on_summary,
                               .reference = on_reference,
                               .emit = on_emit,
                               .report = on_report,
                               .unreported = 1};
    found = learnt = 0;
    judge_hour(owner, host, hour, ROWS);
}

static void setup(void)
{
    static struct weir_category categories[4] = {
        {{"a", 1, 0}, 40}, {{"b", 1, 0}, 30}, {{"c", 1, 0}, 20}, {{"d", 1, 0}, 10}};
    struct weir_category_counts counts = {
        .shape = WEIR_SHAPE_CATEGORICAL, .categories = categories, .n = 4, .complete = 1};
    static double x[4000];
    for (int i = 0; i < 4000; i++)
        x[i] = 1.1 * weir_normal_quantile((i + .5) / 4000);
    draw_state = 77;
    memset(left, 0, sizeof left);
    ck_assert_int_eq(weir_cells_build_numeric(x, 4000, &cells[0], NULL), 0);
    ck_assert_int_eq(weir_cells_build_categories(&counts, &cells[1], NULL), 0);
    for (int f = 0; f < FIELDS; f++) {
        const struct weir_cells *of = cells[f % 5 == 4];
        struct weir_summary_spec spec = {.shape = of->shape, .parts = WEIR_PART_CELLS, .cells = of};
        snprintf(names[f], sizeof names[f], "f%d", f);
        fields[f] = (struct weir_field){.name = names[f],
                                        .type = f % 5 == 4 ? WEIR_TYPE_STRING : WEIR_TYPE_DOUBLE};
        ck_assert_int_eq(weir_summary_init(&now[f], &spec), 0);
        ck_assert_int_eq(weir_summary_init(&reference[f], &spec), 0);
        for (size_t i = 0; i < of->n; i++)
            reference[f].cell[i] = 100;
        reference[f].rows = reference[f].values = 100 * of->n;
    }
}

static void teardown(void)
{
    for (int f = 0; f < FIELDS; f++) {
        weir_summary_free(&now[f]);
        weir_summary_free(&reference[f]);
    }
    for (int k = 0; k < 2; k++)
        weir_cells_free(cells[k]);
}

// ---- what is learnt

static void add_window(struct drift_memory *memory, int64_t hour)
{
    struct drift_counts counts[FIELDS];
    struct drift_calibration *calibration = &memory->calibration;
    size_t width = FIELDS * WEIR_SCORES;
    draw_window(hour);
    for (int f = 0; f < FIELDS; f++)
        counts[f] = drift_counts_of(&now[f]);
    ck_assert_int_eq(
        drift_history_add(&calibration->stretch, hour * HOUR, (hour + 1) * HOUR, counts, FIELDS),
        0);
    calibration->rows =
        realloc(calibration->rows, (calibration->n_rows + 1) * width * sizeof(float));
    for (size_t i = 0; i < width; i++)
        calibration->rows[calibration->n_rows * width + i] =
            hour < 30 ? NAN : (float)(5 * draw_uniform());
    calibration->n_rows++;
}

static void are_same(const struct drift_learning *a, const struct drift_learning *b, size_t n)
{
    const struct drift_calibration *x = &a->draft.calibration, *y = &b->draft.calibration;
    size_t tests = x->n_bases * WEIR_SCORES;
    for (size_t i = 0; i < tests * FIELDS; i++) {
        ck_assert_double_eq(x->usual[i].median, y->usual[i].median);
        ck_assert_double_eq(x->usual[i].spread, y->usual[i].spread);
    }
    for (size_t c = 0; c < tests; c++) {
        ck_assert_int_eq(x->tails[c].n, y->tails[c].n);
        ck_assert_double_eq(x->tails[c].rate, y->tails[c].rate);
    }
    for (size_t f = 0; f < FIELDS; f++) {
        ck_assert_double_eq(x->ahead[f].gain, y->ahead[f].gain);
        ck_assert_double_eq(x->ahead[f].left[0], y->ahead[f].left[0]);
        ck_assert_uint_eq(x->pooled[f].rows, y->pooled[f].rows);
        for (int k = 0; k < WEIR_SIGNALS; k++)
            ck_assert_double_eq(x->slow.charts[f * WEIR_SIGNALS + (size_t)k].sd,
                                y->slow.charts[f * WEIR_SIGNALS + (size_t)k].sd);
    }
    ck_assert_double_eq(x->slow.tail.rate, y->slow.tail.rate);
    ck_assert_double_eq(x->slow.rarity, y->slow.rarity);
    ck_assert_int_eq(memcmp(a->largest, b->largest, n * sizeof *a->largest), 0);
    ck_assert_int_eq(memcmp(a->z, b->z, n * FIELDS * tests * sizeof *a->z), 0);
}

// The stretch goes on meanwhile.
START_TEST(in_parts_it_is_the_same_as_at_once)
{
    const struct drift *drift = make_instance(0);
    struct drift_memory memory;
    int ready = 0, parts = 0;
    ck_assert_int_eq(drift_memory_init(&memory, drift), 0);
    for (int64_t hour = 0; hour < N; hour++)
        add_window(&memory, hour);
    ck_assert_int_eq(drift_learning_begin(&memory, N, _i), 0);
    ck_assert_int_eq(drift_learning_go_on(&memory, UINT64_MAX, &ready), 0);
    ck_assert_int_eq(ready, 1);
    struct drift_learning *at_once = memory.calibration.learning;
    memory.calibration.learning = NULL;
    ck_assert_int_eq(drift_learning_begin(&memory, N, _i), 0);
    for (ready = 0; !ready; parts++) {
        ck_assert_int_eq(drift_learning_go_on(&memory, 1, &ready), 0);
        add_window(&memory, N + parts);
    }
    ck_assert_int_ge(parts, 3);
    are_same(at_once, memory.calibration.learning, N);
    struct drift_calibration other = {.learning = at_once};
    drift_learning_free(&other);
    drift_memory_free(&memory);
    weir_plugin.destroy((void *)drift);
}
END_TEST

// ---- owners

static int is_learning_again(int64_t hour)
{
    return (hour >= 46 && hour < 50) || (hour >= N - 2 && hour < N + 4);
}

START_TEST(restored_while_it_learns_it_goes_on_to_the_byte)
{
    void *instance = make_instance(0), *owner = make_owner(instance);
    struct weir_buffer bytes, again;
    unsigned times = 0;
    weir_buffer_init(&bytes, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&again, WEIR_BUFFER_MAXIMUM);
    for (int64_t hour = 0; hour < N + 8; hour++) {
        void *other = is_learning_again(hour) ? make_again(instance, owner, &bytes) : NULL;
        draw_window(hour);
        judge(owner, hour);
        unsigned told = learnt, alarms = found;
        times += told;
        if (!other)
            continue;
        judge(other, hour);
        ck_assert_uint_eq(told, learnt);
        ck_assert_uint_eq(alarms, found);
        save(owner, &bytes);
        save(other, &again);
        ck_assert_uint_eq(bytes.length, again.length);
        ck_assert_int_eq(memcmp(bytes.data, again.data, bytes.length), 0);
        weir_plugin.owner_destroy(owner);
        owner = other;
    }
    ck_assert_uint_ge(times, 5); // early ones among them
    weir_buffer_free(&bytes);
    weir_buffer_free(&again);
    weir_plugin.owner_destroy(owner);
    weir_plugin.destroy(instance);
}
END_TEST

static int64_t in_force(int at_once)
{
    void *instance = make_instance(at_once), *owner = make_owner(instance);
    int64_t hour = -1;
    draw_state = 5;
    for (for_good = 0; hour < N + 20 && !for_good;) {
        draw_window(++hour);
        judge(owner, hour);
    }
    weir_plugin.owner_destroy(owner);
    weir_plugin.destroy(instance);
    return hour;
}

START_TEST(who_asks_for_the_calibration_has_it_at_once)
{
    ck_assert_int_eq(in_force(1), N - 1);
    int64_t later = in_force(0);
    ck_assert_int_gt(later, N);
    ck_assert_int_lt(later, N + 10);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("learning");
    TCase *cases = tcase_create("learning");
    tcase_set_timeout(cases, 600);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, in_parts_it_is_the_same_as_at_once, 0, 2);
    tcase_add_test(cases, restored_while_it_learns_it_goes_on_to_the_byte);
    tcase_add_test(cases, who_asks_for_the_calibration_has_it_at_once);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
