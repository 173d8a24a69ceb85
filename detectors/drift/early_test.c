// SPDX-License-Identifier: Apache-2.0
// The first days of a stream with a rhythm: nothing is told of the rhythm, and plain faults are.
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/drift/drift_harness.h"
#include "stats/cells.h"
#include "stats/cells_build.h"
#include "stats/draw_inside.h"
#include "stats/habits.h"
#include "stats/special.h"
#include "stats/summary.h"

enum { FIELDS = 8, DAY = 24, HOUR = 3600000 };

static struct weir_field fields[FIELDS];
static char names[FIELDS][8];
static struct weir_stream stream = {.name = "s", .fields = fields, .n_fields = FIELDS};
static struct weir_cells *cells, *hours; // of all fields; of the last, if it is a calendar
static struct weir_summary now[FIELDS], reference[FIELDS];
static double left[FIELDS]; // of a memory
static double weekends;     // how much they differ
static double rhythm;       // of days: 1: as below
static int rows;            // a window

static void draw(struct weir_summary *into, double level, double nulls)
{
    memset(into->cell, 0, into->cells->n * sizeof *into->cell);
    into->rows = (uint64_t)rows;
    into->null = 0;
    for (int i = 0; i < rows; i++) {
        if (draw_uniform() < nulls)
            into->null++;
        else
            into->cell[weir_cells_find(into->cells, level + draw_normal())]++;
    }
    into->values = into->rows - into->null;
}

// The last field is the hour of the day: of one value a window; 2: of two, where the time zone is
// half an hour off; 3: the day of the week.
static int calendar, stuck;

static void draw_calendar(int64_t hour)
{
    struct weir_summary *into = &now[FIELDS - 1];
    memset(into->cell, 0, into->cells->n * sizeof *into->cell);
    for (int i = 0; i < rows; i++) {
        int64_t value = hour + (calendar == 2 && i % 2);
        value = calendar == 3 ? value / DAY % 7 : value % DAY;
        into->cell[weir_cells_find(hours, (double)value)]++;
    }
}

// A rhythm of up to 0.6 sd, a memory, weekends of their own; f0 is `off` and has `nulls`.
static void draw_window(int64_t hour, double off, double nulls)
{
    for (size_t f = 0; f < FIELDS; f++) {
        double day = sin(6.283185307179586 * (double)((hour + 5 * (int64_t)f) % DAY) / DAY);
        int weekend = (hour / DAY + 3) % 7 >= 5;
        left[f] = .9 * left[f] + .1 * sqrt(1 - .81) * draw_normal();
        double level =
            rhythm * (.1 + .5 * (double)f / FIELDS) * day + (f % 2 ? .3 : -.2) * weekends * weekend;
        draw(&now[f], level + left[f] + (f ? 0 : off), f ? 0 : nulls);
    }
    if (stuck) {
        memset(now[0].cell, 0, cells->n * sizeof *now[0].cell);
        now[0].cell[weir_cells_find(cells, .3)] = (uint64_t)rows;
    }
    if (calendar)
        draw_calendar(hour);
}

static struct {
    int drift, skew, provisional;
    char summary[700];
} found;

static const struct weir_cells *on_cells(const struct weir_setup *setup, int field)
{
    (void)setup;
    return now[field].cells;
}

static const struct weir_summary *setup_reference(const struct weir_setup *setup, size_t i,
                                                  int field)
{
    (void)setup, (void)i;
    return &reference[field];
}

static const struct weir_summary *on_summary(const struct weir_window *window, size_t slice,
                                             int field)
{
    (void)window, (void)slice;
    return &now[field];
}

static const struct weir_summary *on_reference(const struct weir_window *window, size_t i,
                                               int field)
{
    (void)window, (void)i;
    return &reference[field];
}

static void on_emit(const struct weir_window *window, const struct weir_finding *finding)
{
    (void)window;
    if (!strcmp(finding->kind, "skew.distribution")) {
        found.skew++;
        return;
    }
    found.drift++;
    found.provisional = finding->provisional;
    ck_assert(isfinite(finding->statistic.value) && isfinite(finding->statistic.threshold));
    snprintf(found.summary, sizeof found.summary, "%s", finding->summary);
}

static void *instance, *owner;

static int64_t calibrate = 30 * DAY * (int64_t)HOUR;

static void *make_instance(int by_alpha)
{
    static const char *const references[] = {"training"};
    static const struct weir_reference_spec spec = {.size = sizeof spec,
                                                    .kind = WEIR_REFERENCE_PROFILE};
    static const int all[] = {0, 1, 2, 3, 4, 5, 6, 7};
    struct weir_detector_config config = {.stream = &stream,
                                          .fields = all,
                                          .n_fields = FIELDS,
                                          .n_references = 1,
                                          .references = references,
                                          .reference_specs = &spec,
                                          .calibration_last = calibrate,
                                          .alarms_per = 30 * DAY * (int64_t)HOUR};
    struct weir_setup setup = {
        .size = sizeof setup, .need = on_need, .reference = setup_reference, .cells = on_cells};
    return make_auto(config, &setup, 100, by_alpha ? .001 : 0);
}

static void judge(void *of, int64_t hour)
{
    struct weir_window host = {.summary = on_summary, .reference = on_reference, .emit = on_emit};
    memset(&found, 0, sizeof found);
    judge_hour(of, host, hour, (uint64_t)rows);
}

// Windows in alarm.
static int run(int64_t from, int64_t to, double off, double nulls)
{
    int alarms = 0;
    for (int64_t hour = from; hour < to; hour++) {
        draw_window(hour, off, nulls);
        judge(owner, hour);
        alarms += found.drift > 0;
    }
    return alarms;
}

static void make_reference(double nulls)
{
    for (int f = 0; f < FIELDS; f++)
        weir_summary_reset(&reference[f]);
    for (int64_t hour = 0; hour < 7 * DAY; hour++) { // a week's file
        draw_window(hour, 0, nulls);
        for (int f = 0; f < FIELDS; f++) {
            for (size_t i = 0; i < now[f].cells->n; i++)
                reference[f].cell[i] += now[f].cell[i];
            reference[f].rows += now[f].rows;
            reference[f].null += now[f].null;
            reference[f].values += now[f].values;
        }
    }
}

static void start_again(int by_alpha)
{
    weir_plugin.owner_destroy(owner);
    weir_plugin.destroy(instance);
    instance = make_instance(by_alpha);
    owner = make_owner(instance);
}

static void init_field(int f, const struct weir_cells *of)
{
    struct weir_summary_spec spec = {.shape = of->shape, .parts = WEIR_PART_CELLS, .cells = of};
    ck_assert_int_eq(weir_summary_init(&now[f], &spec), 0);
    ck_assert_int_eq(weir_summary_init(&reference[f], &spec), 0);
}

static void use_calendar(int kind)
{
    enum { N = 24 * 7 };
    double x[N];
    calendar = kind;
    for (int i = 0; i < N; i++)
        x[i] = i % (kind == 3 ? 7 : 24);
    ck_assert_int_eq(weir_cells_build_numeric(x, N, &hours, NULL), 0);
    weir_summary_free(&now[FIELDS - 1]);
    weir_summary_free(&reference[FIELDS - 1]);
    init_field(FIELDS - 1, hours);
    make_reference(0);
    start_again(0);
}

static void setup(void)
{
    enum { N = 4000 };
    calendar = stuck = 0;
    calibrate = 30 * DAY * (int64_t)HOUR;
    weekends = rhythm = 1;
    rows = 1000;
    static double x[N];
    draw_state = 1;
    for (int i = 0; i < N; i++)
        x[i] = 1.1 * weir_normal_quantile((i + .5) / N);
    ck_assert_int_eq(weir_cells_build_numeric(x, N, &cells, NULL), 0);
    memset(left, 0, sizeof left);
    for (int f = 0; f < FIELDS; f++) {
        init_field(f, cells);
        snprintf(names[f], sizeof names[f], "f%d", f);
        fields[f] = (struct weir_field){.name = names[f], .type = WEIR_TYPE_DOUBLE};
    }
    make_reference(0);
    instance = make_instance(0);
    owner = make_owner(instance);
}

static void teardown(void)
{
    weir_plugin.owner_destroy(owner);
    weir_plugin.destroy(instance);
    for (int f = 0; f < FIELDS; f++) {
        weir_summary_free(&now[f]);
        weir_summary_free(&reference[f]);
    }
    weir_cells_free(cells);
    weir_cells_free(hours);
    hours = NULL;
}

START_TEST(a_rhythm_is_no_alarm)
{
    ck_assert_int_eq(run(0, 2 * DAY, 0, 0), 0);
    ck_assert_int_le(run(2 * DAY, 30 * DAY, 0, 0), 13); // 2%
    ck_assert_int_le(run(30 * DAY, 37 * DAY, 0, 0), 4);
    // By a fixed alpha, which is asked for, nearly every window is one.
    start_again(1);
    ck_assert_int_ge(run(0, DAY, 0, 0), DAY * 3 / 4);
}
END_TEST

// From one midnight on they differ by 0.9 sd: in its first hours a weekend is not held against
// what was before it, nor the first Monday.
START_TEST(the_first_weekend_is_no_alarm)
{
    weekends = 3;
    rhythm = 0;
    make_reference(0);
    start_again(0);
    int64_t first = _i ? 3 * DAY : 0, border = _i ? 4 * DAY : 2 * DAY; // 1970-01-01 is a Thursday
    ck_assert_int_eq(run(first, border + 5, 0, 0), 0);
    // A fault then is one.
    ck_assert_int_ge(run(border + 5, border + 9, 1.2, 0), 3);
    ck_assert_ptr_nonnull(strstr(found.summary, "f0 moved"));
}
END_TEST

enum { MONDAY = 488976 }; // 2025-10-13, hours

// By day all fields are higher, from one hour to the next.
static double by_day(int64_t hour)
{
    return hour % DAY >= 8 && hour % DAY < 18 ? .9 : 0;
}

// A profile of a week of such days; its hours can be looked up in the habits.
static struct weir_habits *make_days(struct weir_summary hourly[7 * DAY])
{
    struct weir_habits *habits = weir_habits_create();
    struct weir_summary_spec spec = {.shape = cells->shape, .parts = WEIR_PART_CELLS, cells};
    habits->stretches = calloc(7 * DAY, sizeof *habits->stretches);
    for (int f = 0; f < FIELDS; f++)
        weir_summary_reset(&reference[f]);
    for (int h = 0; h < 7 * DAY; h++) {
        int64_t start = (MONDAY - 14 * DAY + h) * (int64_t)HOUR;
        ck_assert_int_eq(weir_summary_init(&hourly[h], &spec), 0);
        draw(&hourly[h], by_day(h), 0);
        habits->stretches[habits->n_stretches++] =
            (struct weir_habits_stretch){start, start + HOUR, &hourly[h]};
        for (int f = 0; f < FIELDS; f++)
            ck_assert_int_eq(weir_summary_merge(&reference[f], &hourly[h]), 0);
    }
    return habits;
}

// Windows in alarm of the first two days from five o'clock; f0 is `off` from noon on.
static int run_days(double off)
{
    int alarms = 0;
    start_again(0);
    for (int64_t hour = MONDAY + 5; hour < MONDAY + 2 * DAY; hour++) {
        for (int f = 0; f < FIELDS; f++)
            draw(&now[f], by_day(hour) + (f || hour < MONDAY + 12 ? 0 : off), 0);
        judge(owner, hour);
        alarms += found.drift > 0;
    }
    return alarms;
}

START_TEST(a_rhythm_that_the_profile_knows_is_no_alarm)
{
    static struct weir_summary hourly[7 * DAY];
    struct weir_habits *habits = make_days(hourly);
    ck_assert_int_gt(run_days(0), 0); // it does not know it yet
    cells->habits = habits;
    ck_assert_int_eq(run_days(0), 0);
    ck_assert_int_ge(run_days(1.2), 30);
    ck_assert_int_ge(run_days(-1.6), 10);
    cells->habits = NULL;
    weir_habits_free(habits);
    for (int h = 0; h < 7 * DAY; h++)
        weir_summary_free(&hourly[h]);
}
END_TEST

START_TEST(the_hour_of_the_day_is_no_alarm)
{
    use_calendar(_i);
    ck_assert_int_eq(run(0, 2 * DAY, 0, 0), 0);
    ck_assert_int_le(run(2 * DAY, 12 * DAY, 0, 0), 6);
}
END_TEST

START_TEST(a_field_that_gets_stuck_is_found)
{
    use_calendar(1);
    run(0, 20, 0, 0);
    stuck = 1;
    ck_assert_int_eq(run(20, 24, 0, 0), 4);
    ck_assert_ptr_nonnull(strstr(found.summary, "f0 moved"));
    ck_assert_ptr_null(strstr(found.summary, "f7"));
}
END_TEST

START_TEST(a_field_that_is_stuck_from_the_beginning_is_found)
{
    stuck = 1;
    ck_assert_int_ge(run(0, 6, 0, 0), 5);
    ck_assert_ptr_nonnull(strstr(found.summary, "f0 moved"));
}
END_TEST

START_TEST(of_a_field_that_is_hardly_ever_there_its_few_values_say_nothing)
{
    make_reference(.99);
    ck_assert_int_le(run(0, 33 * DAY, 0, .99), 13);
    ck_assert_int_eq(found.skew, 0);
    // More of them than usual, and fewer than are judged.
    ck_assert_int_eq(run(33 * DAY, 33 * DAY + 6, 1, .96), 0);
}
END_TEST

static const int64_t ages[] = {10, 30, 80, 300, 600}; // hours

START_TEST(a_plain_fault_is_found_at_once)
{
    run(0, ages[_i], 0, 0);
    ck_assert_int_eq(run(ages[_i], ages[_i] + 6, 2, 0), 6);
    ck_assert_int_eq(found.provisional, 1);
    ck_assert_ptr_nonnull(strstr(found.summary, "f0 moved"));
    // It is not what is usual from then on.
    int64_t end = ages[_i] + 6 + 8 * DAY;
    ck_assert_int_le(run(ages[_i] + 6, end, 0, 0), 12);
    ck_assert_int_ge(run(end, end + 3, 1, 0), 2);
}
END_TEST

START_TEST(nulls_are_found_at_once)
{
    run(0, ages[_i], 0, 0);
    ck_assert_int_eq(run(ages[_i], ages[_i] + 3, 0, .04), 3);
    ck_assert_ptr_nonnull(strstr(found.summary, "null"));
}
END_TEST

START_TEST(what_was_so_from_the_beginning_is_no_drift)
{
    ck_assert_int_le(run(0, 10 * DAY, 1, 0), 4);
    ck_assert_int_eq(found.skew, 1); // it is told as what it is
    ck_assert_int_ge(run(10 * DAY, 10 * DAY + 3, 0, 0), 2);
}
END_TEST

START_TEST(what_has_nothing_in_common_is_told_from_the_beginning)
{
    ck_assert_int_eq(run(0, 6, 6, 0), 6);
    ck_assert_ptr_nonnull(strstr(found.summary, "f0"));
    ck_assert_int_eq(found.provisional, 1);
}
END_TEST

START_TEST(what_stays_is_how_the_stream_is_now)
{
    run(0, 6 * DAY, 0, 0);
    ck_assert_int_ge(run(6 * DAY, 9 * DAY, 1.5, 0), 3 * DAY - 2);
    run(9 * DAY, 13 * DAY, 1.5, 0);
    ck_assert_int_le(run(13 * DAY, 20 * DAY, 1.5, 0), 4);
    ck_assert_int_ge(run(20 * DAY, 20 * DAY + 3, 0, 0), 2);
}
END_TEST

START_TEST(restored_at_any_window_it_goes_on)
{
    for (int64_t hour = 0; hour < 60; hour++) {
        struct weir_buffer bytes;
        weir_buffer_init(&bytes, WEIR_BUFFER_MAXIMUM);
        void *other = make_again(instance, owner, &bytes);
        draw_window(hour, hour >= 20 && hour < 30 ? 2 : 0, 0);
        judge(owner, hour);
        int here = found.drift;
        ck_assert_int_eq(here > 0, hour >= 20 && hour < 30);
        judge(other, hour);
        ck_assert_int_eq(here, found.drift);
        weir_plugin.owner_destroy(owner);
        owner = other;
        weir_buffer_free(&bytes);
    }
}
END_TEST

// Ten windows know neither hours nor how far a level strays; a plain change is found all the same.
START_TEST(ten_windows_are_enough_for_what_is_plain)
{
    int64_t first = 11, end = 160;
    int found_of = 0, alarms = 0;
    calibrate = 10 * (int64_t)HOUR;
    rhythm = weekends = 0;
    rows = _i ? 1000 : 250;
    for (int k = 0; k < 6; k++) {
        make_reference(0);
        start_again(0);
        alarms += run(0, end, 0, 0);
        start_again(0);
        alarms += run(0, first, 0, 0);
        found_of += run(first, first + 1, 1, 0) && strstr(found.summary, "f0 moved");
    }
    ck_assert_int_le(alarms, 10); // 1%
    ck_assert_int_ge(found_of, 5);
}
END_TEST

START_TEST(a_calibration_that_is_switched_off_is_passed_over)
{
    struct weir_buffer bytes;
    struct weir_error error = {0};
    run(0, 3 * DAY, 0, 0);
    weir_buffer_init(&bytes, WEIR_BUFFER_MAXIMUM);
    save(owner, &bytes);
    calibrate = 0;
    void *without = make_instance(0), *other = make_owner(without);
    struct weir_reader in = weir_reader_make(bytes.data, bytes.length);
    ck_assert_int_eq(weir_plugin.owner_restore(other, weir_plugin.state_version, &in, &error), 0);
    ck_assert_uint_eq(weir_reader_left(&in), 0);
    judge(other, 3 * DAY);
    weir_plugin.owner_destroy(other);
    weir_plugin.destroy(without);
    weir_buffer_free(&bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("early");
    TCase *cases = tcase_create("early");
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_rhythm_is_no_alarm);
    tcase_add_loop_test(cases, the_first_weekend_is_no_alarm, 0, 2);
    tcase_add_test(cases, a_rhythm_that_the_profile_knows_is_no_alarm);
    tcase_add_loop_test(cases, the_hour_of_the_day_is_no_alarm, 1, 4);
    tcase_add_test(cases, a_field_that_gets_stuck_is_found);
    tcase_add_test(cases, a_field_that_is_stuck_from_the_beginning_is_found);
    tcase_add_test(cases, of_a_field_that_is_hardly_ever_there_its_few_values_say_nothing);
    tcase_add_loop_test(cases, a_plain_fault_is_found_at_once, 0, 5);
    tcase_add_loop_test(cases, nulls_are_found_at_once, 0, 3);
    tcase_add_test(cases, what_was_so_from_the_beginning_is_no_drift);
    tcase_add_test(cases, what_has_nothing_in_common_is_told_from_the_beginning);
    tcase_add_test(cases, what_stays_is_how_the_stream_is_now);
    tcase_add_test(cases, restored_at_any_window_it_goes_on);
    tcase_add_loop_test(cases, ten_windows_are_enough_for_what_is_plain, 0, 2);
    tcase_add_test(cases, a_calibration_that_is_switched_off_is_passed_over);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
