// SPDX-License-Identifier: Apache-2.0
// What drift remembers of past windows: packed, summed, saved at any window and restored.
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/drift/drift_harness.h"
#include "stats/cells_build.h"
#include "stats/draw_inside.h"
#include "stats/summary.h"

enum { ROWS = 400, HOUR = 3600000 };

// ---- packed windows

static void randomise(struct drift_counts *counts, size_t n)
{
    for (size_t f = 0; f < n; f++) {
        counts[f].rows = (uint64_t)(draw_uniform() * 1e6);
        counts[f].null = (uint64_t)(draw_uniform() * 10);
        counts[f].values = counts[f].rows - counts[f].null;
        for (size_t i = 0; i < counts[f].n; i++)
            counts[f].cell[i] = draw_uniform() < .6 ? 0 : (uint64_t)(draw_uniform() * 1e5);
    }
}

START_TEST(sums_are_those_of_the_windows)
{
    struct drift_history history = {0}, restored = {0};
    struct drift_counts counts[2], expected[2], sum[2];
    static const size_t cells[] = {40, 3};
    for (int f = 0; f < 2; f++) {
        ck_assert_int_eq(drift_counts_init(&counts[f], cells[f]), 0);
        ck_assert_int_eq(drift_counts_init(&expected[f], cells[f]), 0);
        ck_assert_int_eq(drift_counts_init(&sum[f], cells[f]), 0);
    }
    for (int w = 0; w < 50; w++) {
        randomise(counts, 2);
        ck_assert_int_eq(drift_history_add(&history, w * HOUR, (w + 1) * HOUR, counts, 2), 0);
        for (int f = 0; f < 2 && w >= 20; f++)
            drift_counts_add(&expected[f], &counts[f]);
    }
    // A window that overlaps the last one is left out.
    ck_assert_int_eq(drift_history_add(&history, 49 * HOUR + 1, 51 * HOUR, counts, 2), 0);
    ck_assert_uint_eq(history.n, 50);
    drift_history_forget(&history, 20 * HOUR, 40);
    ck_assert_uint_eq(history.n, 40);
    drift_history_forget(&history, 20 * HOUR, 5);
    ck_assert_uint_eq(history.n, 30);

    struct weir_buffer out;
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(drift_history_write(&history, &out), 0);
    for (size_t length = 0; length <= out.length; length++) {
        struct weir_reader in = weir_reader_make(out.data, length);
        drift_history_free(&restored);
        int code = drift_history_read(&restored, &in, (int[]){0, 1}, 2, counts, 2);
        ck_assert_int_eq(code, length < out.length ? WEIR_ECORRUPT : 0);
    }
    for (size_t e = 0; e < restored.n; e++)
        ck_assert_int_eq(drift_entry_add(&restored.items[e], sum, 2), 0);
    for (int f = 0; f < 2; f++) {
        ck_assert_uint_eq(sum[f].rows, expected[f].rows);
        ck_assert_uint_eq(sum[f].null, expected[f].null);
        ck_assert_int_eq(memcmp(sum[f].cell, expected[f].cell, cells[f] * sizeof(uint64_t)), 0);
        drift_counts_free(&counts[f]);
        drift_counts_free(&expected[f]);
        drift_counts_free(&sum[f]);
    }
    drift_history_free(&history);
    drift_history_free(&restored);
    weir_buffer_free(&out);
}
END_TEST

// ---- an owner that is saved and restored

static const struct weir_field fields[] = {{.name = "amount", .type = WEIR_TYPE_DOUBLE},
                                           {.name = "known", .type = WEIR_TYPE_DOUBLE}};
static const struct weir_stream stream = {.name = "s", .fields = fields, .n_fields = 2};
static struct weir_cells *known_cells;
static struct weir_summary summaries[2];
static unsigned found[2]; // findings of either owner
static int who;
static char last[2][700];

static int on_need_of_known(const struct weir_setup *setup, unsigned by, int field, unsigned parts,
                            struct weir_error *error)
{
    (void)setup, (void)by, (void)error;
    ck_assert_int_eq((parts & WEIR_PART_CELLS) != 0, field == 1);
    return 0;
}

static const struct weir_cells *on_cells(const struct weir_setup *setup, int field)
{
    (void)setup;
    return field == 1 ? known_cells : NULL;
}

static const struct weir_summary *no_reference(const struct weir_setup *setup, size_t i, int field)
{
    (void)setup, (void)i, (void)field;
    return NULL;
}

static const struct weir_summary *on_summary(const struct weir_window *window, size_t slice,
                                             int field)
{
    (void)window, (void)slice;
    return &summaries[field];
}

static void on_emit(const struct weir_window *window, const struct weir_finding *finding)
{
    (void)window;
    found[who]++;
    snprintf(last[who], sizeof last[who], "%s", finding->summary);
}

static void fill(double shift)
{
    static double x[ROWS];
    static uint8_t good[ROWS];
    struct weir_absorb_scratch *scratch;
    ck_assert_int_eq(weir_absorb_scratch_create(&scratch), 0);
    for (int f = 0; f < 2; f++) {
        struct weir_column column = {.type = WEIR_TYPE_DOUBLE, .n = ROWS, .state = good};
        for (int i = 0; i < ROWS; i++)
            x[i] = 10 + 3 * (draw_uniform() + draw_uniform() + draw_uniform()) + shift;
        column.values.f64 = x;
        weir_summary_reset(&summaries[f]);
        ck_assert_int_eq(weir_summary_absorb(&summaries[f], &column, NULL, 0, scratch), 0);
    }
    weir_absorb_scratch_destroy(scratch);
}

static void judge(void *owner, int number, int64_t hour)
{
    struct weir_window host = {.summary = on_summary, .emit = on_emit};
    who = number;
    found[who] = 0;
    judge_hour(owner, host, hour, ROWS);
}

static void *make_instance(void)
{
    static const char *const names[] = {"prev", "season", "fixed"};
    static const struct weir_reference_spec specs[] = {
        {.size = sizeof *specs, .kind = WEIR_REFERENCE_PREVIOUS, .windows = 24},
        {.size = sizeof *specs, .kind = WEIR_REFERENCE_SAME_HOUR, .span = 14 * 24 * (int64_t)HOUR},
        {.size = sizeof *specs, .kind = WEIR_REFERENCE_FIXED, .from = 0, .to = 10 * HOUR}};
    static const int all[] = {0, 1};
    struct weir_detector_config config = {.stream = &stream,
                                          .fields = all,
                                          .n_fields = 2,
                                          .n_references = 3,
                                          .references = names,
                                          .reference_specs = specs,
                                          .calibration_last = 30 * HOUR,
                                          .alarms_per = 30 * HOUR};
    struct weir_setup setup = {.size = sizeof setup,
                               .need = on_need_of_known,
                               .reference = no_reference,
                               .cells = on_cells};
    return make_auto(config, &setup, 200, 0);
}

START_TEST(restored_at_any_window_it_goes_on_as_if_nothing_had_been)
{
    struct weir_buffer first;
    weir_buffer_init(&first, WEIR_BUFFER_MAXIMUM);
    void *instance = make_instance(), *one = make_owner(instance), *other = make_owner(instance);
    unsigned all = 0;
    for (int64_t hour = 0; hour < 60; hour++) {
        fill(hour >= 50 ? 3 : 0);
        judge(one, 0, hour);
        judge(other, 1, hour);
        ck_assert_uint_eq(found[0], found[1]);
        ck_assert_str_eq(last[0], last[1]);
        ck_assert_msg(hour >= 30 || !found[0], "%s", last[0]);
        all += found[0];
        weir_plugin.owner_destroy(other);
        other = make_again(instance, one, &first);
    }
    ck_assert_uint_ge(all, 5);
    ck_assert_uint_lt(first.length, 30000);
    weir_plugin.owner_destroy(one);
    weir_plugin.owner_destroy(other);
    weir_plugin.destroy(instance);
    weir_buffer_free(&first);
}
END_TEST

// ---- cells of numbers that no profile knows

static void remember(struct drift_memory *memory, int64_t hour)
{
    struct weir_window window = {.summary = on_summary,
                                 .emit = on_emit,
                                 .start = hour * HOUR,
                                 .end = (hour + 1) * HOUR,
                                 .rows = ROWS};
    ck_assert_int_eq(drift_memory_begin(memory, &window), 0);
    ck_assert_int_eq(drift_memory_end(memory, &window), 0);
}

static uint64_t total(const struct drift_counts *counts, uint64_t *largest)
{
    uint64_t sum = 0;
    *largest = 0;
    for (size_t i = 0; i < counts->n; i++) {
        sum += counts->cell[i];
        *largest = counts->cell[i] > *largest ? counts->cell[i] : *largest;
    }
    return sum;
}

START_TEST(cells_of_the_first_hours_are_cut_again_after_a_day)
{
    struct drift *drift = make_instance();
    struct drift_memory memory;
    struct drift_counts counts[2] = {{0}};
    uint64_t largest;
    ck_assert_int_eq(drift_memory_init(&memory, drift), 0);
    for (int64_t hour = 0; hour < 23; hour++) {
        fill(hour < 6 ? 0 : 2. * (double)(hour - 5)); // low at night
        remember(&memory, hour);
    }
    // By day nearly all are beyond what the first hours had.
    ck_assert_uint_eq(total(&memory.now[0], &largest), ROWS);
    ck_assert_uint_ge(largest, ROWS * 9 / 10);
    ck_assert_uint_eq(memory.own[0].n_windows, 23);
    fill(0);
    remember(&memory, 23);
    ck_assert_ptr_null(memory.own[0].first);
    ck_assert_uint_eq(memory.own[0].n_windows, 0);
    for (int f = 0; f < 2; f++)
        ck_assert_int_eq(drift_counts_init(&counts[f], drift_memory_cells(&memory, (size_t)f)->n),
                         0);
    // Each window is still there, whole; all of them fill the cells evenly.
    ck_assert_uint_eq(memory.history.n, 24);
    for (size_t e = 0; e < 24; e++) {
        drift_counts_reset(&counts[0]);
        ck_assert_int_eq(drift_entry_add(&memory.history.items[e], counts, 2), 0);
        ck_assert_uint_eq(counts[0].rows, ROWS);
        ck_assert_uint_eq(counts[0].values, ROWS);
        ck_assert_uint_eq(total(&counts[0], &largest), ROWS);
    }
    drift_counts_reset(&counts[0]);
    for (size_t e = 0; e < 24; e++)
        ck_assert_int_eq(drift_entry_add(&memory.calibration.stretch.items[e], counts, 2), 0);
    ck_assert_uint_eq(total(&counts[0], &largest), 24 * ROWS);
    ck_assert_uint_le(largest, 24 * ROWS / 16);
    // So are the stretch that the third reference is, and what windows vary by.
    ck_assert_uint_eq(total(&memory.references[2].sum[0], &largest), 10 * ROWS);
    ck_assert_uint_eq(memory.references[0].n_dispersion[0], 23);
    ck_assert_uint_eq(memory.references[0].n_dispersion[1], 23);
    ck_assert_double_gt(memory.references[0].dispersion[0], 20);
    drift_counts_free(&counts[0]);
    drift_counts_free(&counts[1]);
    drift_memory_free(&memory);
    weir_plugin.destroy(drift);
}
END_TEST

// While it collects, and once it is calibrated.
static const int64_t hours[] = {14, 31};

START_TEST(garbage_is_refused)
{
    struct weir_buffer out;
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    void *instance = make_instance(), *owner = make_owner(instance);
    for (int64_t hour = 0; hour < hours[_i]; hour++) {
        fill(0);
        judge(owner, 0, hour);
    }
    save(owner, &out);
    refuse_every_cut(instance, &out);
    for (int i = 0; i < 1500; i++) {
        void *other = make_owner(instance);
        size_t at = (size_t)(draw_uniform() * (double)out.length);
        uint8_t before = out.data[at];
        out.data[at] = (uint8_t)(draw_uniform() * 256);
        if (!restore(other, &out, out.length)) {
            fill(0);
            judge(other, 1, hours[_i]);
        }
        out.data[at] = before;
        weir_plugin.owner_destroy(other);
    }
    weir_plugin.owner_destroy(owner);
    weir_plugin.destroy(instance);
    weir_buffer_free(&out);
}
END_TEST

static void setup(void)
{
    double x[1000];
    for (int i = 0; i < 1000; i++)
        x[i] = 10 + 3 * (draw_uniform() + draw_uniform() + draw_uniform());
    ck_assert_int_eq(weir_cells_build_numeric(x, 1000, &known_cells, NULL), 0);
    for (int f = 0; f < 2; f++) {
        struct weir_summary_spec spec = {.shape = WEIR_SHAPE_NUMERIC,
                                         .parts = WEIR_PART_MOMENTS | WEIR_PART_QUANTILES |
                                                  (f ? WEIR_PART_CELLS : 0u),
                                         .cells = f ? known_cells : NULL};
        ck_assert_int_eq(weir_summary_init(&summaries[f], &spec), 0);
    }
}

static void teardown(void)
{
    for (int f = 0; f < 2; f++)
        weir_summary_free(&summaries[f]);
    weir_cells_free(known_cells);
}

int main(void)
{
    Suite *suite = suite_create("memory");
    TCase *tests = tcase_create("memory");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, sums_are_those_of_the_windows);
    tcase_add_test(tests, restored_at_any_window_it_goes_on_as_if_nothing_had_been);
    tcase_add_test(tests, cells_of_the_first_hours_are_cut_again_after_a_day);
    tcase_add_loop_test(tests, garbage_is_refused, 0, 2);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
