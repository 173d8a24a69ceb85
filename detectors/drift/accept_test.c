// SPDX-License-Identifier: Apache-2.0
// A person accepts a stretch: from then on it is what windows are judged by.
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

enum { FIELDS = 3, ROWS = 400, DAY = 24, HOUR = 3600000, DAYS = 4 };

static struct weir_field fields[FIELDS] = {{.name = "f0", .type = WEIR_TYPE_DOUBLE},
                                           {.name = "f1", .type = WEIR_TYPE_DOUBLE},
                                           {.name = "f2", .type = WEIR_TYPE_DOUBLE}};
static struct weir_stream stream = {.name = "s", .fields = fields, .n_fields = FIELDS};
static struct weir_cells *cells;
static struct weir_summary now[FIELDS], reference[FIELDS];
static void *instance, *owner;
static size_t n_panes;
static double pane_level;
static struct weir_summary pane_summary;
static struct {
    int drift, skew, provisional;
    char summary[1000], before[300], after[300];
} found;
static struct {
    double days, wanted, threshold;
    int fields;
} told;

static void draw(struct weir_summary *into, double level, int rows)
{
    memset(into->cell, 0, into->cells->n * sizeof *into->cell);
    into->rows = into->values = (uint64_t)rows;
    for (int i = 0; i < rows; i++)
        into->cell[weir_cells_find(cells, level + draw_normal())]++;
}

static const struct weir_cells *on_cells(const struct weir_setup *setup, int field)
{
    (void)setup, (void)field;
    return cells;
}

static const struct weir_summary *setup_reference(const struct weir_setup *setup, size_t i,
                                                  int field)
{
    (void)setup;
    return i ? NULL : &reference[field];
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
    (void)window;
    return i ? NULL : &reference[field];
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
    snprintf(found.summary, sizeof found.summary, "%s", finding->summary);
    for (size_t i = 0; i < finding->n_evidence; i++) {
        const struct weir_evidence *line = &finding->evidence[i];
        if (!strcmp(line->type, "calibration")) {
            snprintf(found.before, sizeof found.before, "%s", line->before);
            snprintf(found.after, sizeof found.after, "%s", line->after);
        }
    }
}

static void on_report(const struct weir_window *window, size_t slice, int field,
                      const struct weir_statistic *statistic)
{
    (void)window, (void)slice;
    if (!strcmp(statistic->name, "calibration.days")) {
        told.days = statistic->value;
        told.wanted = statistic->threshold;
    }
    if (!strcmp(statistic->name, "calibration.threshold"))
        told.threshold = statistic->value;
    told.fields += field >= 0 && !strcmp(statistic->name, "calibration.shift");
}

// ---- a profile's panes

static size_t on_panes(const struct weir_setup *setup)
{
    (void)setup;
    return n_panes;
}

static const struct weir_calibration_pane *on_pane(const struct weir_setup *setup, size_t k)
{
    static struct weir_calibration_pane panes[DAYS * DAY];
    (void)setup;
    panes[k] = (struct weir_calibration_pane){sizeof panes[k], ((int64_t)k - DAYS * DAY) * HOUR,
                                              ((int64_t)k + 1 - DAYS * DAY) * HOUR, ROWS};
    return &panes[k];
}

static const struct weir_summary *on_pane_summary(const struct weir_setup *setup, size_t k,
                                                  int field)
{
    (void)setup, (void)k, (void)field;
    return &pane_summary;
}

// ---- life

static const char *const references[] = {"training", "prev", "season"};

static void *make_of(const struct weir_reference_spec *specs, size_t n, int64_t days)
{
    static const int all[] = {0, 1, 2};
    struct weir_detector_config config = {.stream = &stream,
                                          .fields = all,
                                          .n_fields = FIELDS,
                                          .n_references = n,
                                          .references = references,
                                          .reference_specs = specs,
                                          .calibration_last = days * DAY * HOUR,
                                          .alarms_per = days * DAY * HOUR};
    struct weir_setup setup = {.size = sizeof setup,
                               .need = on_need,
                               .reference = setup_reference,
                               .cells = on_cells,
                               .calibration_panes = on_panes,
                               .calibration_pane = on_pane,
                               .calibration_summary = on_pane_summary};
    return make_auto(config, &setup, 100, 0);
}

// `past`: also against the last windows and those of the same hour.
static void *make_instance(int past)
{
    static const struct weir_reference_spec specs[] = {
        {.size = sizeof *specs, .kind = WEIR_REFERENCE_PROFILE},
        {.size = sizeof *specs, .kind = WEIR_REFERENCE_PREVIOUS, .windows = 6},
        {.size = sizeof *specs, .kind = WEIR_REFERENCE_SAME_HOUR, .span = 7 * DAY * (int64_t)HOUR}};
    return make_of(specs, past ? 3 : 1, DAYS);
}

static void judge(void *of, int64_t hour)
{
    struct weir_window host = {.summary = on_summary, .reference = on_reference, .emit = on_emit};
    memset(&found, 0, sizeof found);
    judge_hour(of, host, hour, ROWS);
}

static void draw_window(double level)
{
    for (size_t f = 0; f < FIELDS; f++)
        draw(&now[f], .05 * draw_normal() + (f ? 0 : level), ROWS);
}

// Windows in alarm.
static int run(int64_t from, int64_t to, double level)
{
    int alarms = 0;
    for (int64_t hour = from; hour < to; hour++) {
        draw_window(level);
        judge(owner, hour);
        alarms += found.drift > 0;
    }
    return alarms;
}

static int accept_of(void *of, int64_t from, int64_t to, struct weir_error *error)
{
    struct weir_acceptance acceptance = {sizeof acceptance, from * HOUR, to * HOUR,
                                         20000 * (int64_t)DAY * HOUR};
    struct weir_window host = {.size = sizeof host, .reference = on_reference, .report = on_report};
    memset(&told, 0, sizeof told);
    return weir_plugin.owner_accept(of, &acceptance, &host, error);
}

static struct weir_calibration standing(const void *of)
{
    struct weir_calibration out = {.size = sizeof out};
    weir_plugin.owner_calibration(of, &out);
    return out;
}

// Refused with these words, and nothing is another.
static void refuse(int64_t from, int64_t to, const char *words)
{
    struct weir_buffer before, after;
    struct weir_error error = {0};
    weir_buffer_init(&before, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&after, WEIR_BUFFER_MAXIMUM);
    save(owner, &before);
    ck_assert_int_eq(accept_of(owner, from, to, &error), WEIR_EINVAL);
    ck_assert_msg(strstr(error.message, words) != NULL, "%s", error.message);
    save(owner, &after);
    ck_assert_uint_eq(before.length, after.length);
    ck_assert_int_eq(memcmp(before.data, after.data, before.length), 0);
    weir_buffer_free(&before);
    weir_buffer_free(&after);
}

static void begin(int past)
{
    instance = make_instance(past);
    owner = make_owner(instance);
}

static void end(void)
{
    weir_plugin.owner_destroy(owner);
    weir_plugin.destroy(instance);
}

static void set_up(void)
{
    enum { N = 4000 };
    static double x[N];
    draw_state = 1;
    n_panes = 0;
    for (int i = 0; i < N; i++)
        x[i] = weir_normal_quantile((i + .5) / N);
    ck_assert_int_eq(weir_cells_build_numeric(x, N, &cells, NULL), 0);
    struct weir_summary_spec spec = {
        .shape = cells->shape, .parts = WEIR_PART_CELLS, .cells = cells};
    for (int f = 0; f < FIELDS; f++) {
        ck_assert_int_eq(weir_summary_init(&now[f], &spec), 0);
        ck_assert_int_eq(weir_summary_init(&reference[f], &spec), 0);
        draw(&reference[f], 0, 20000);
    }
    ck_assert_int_eq(weir_summary_init(&pane_summary, &spec), 0);
}

static void tear_down(void)
{
    for (int f = 0; f < FIELDS; f++) {
        weir_summary_free(&now[f]);
        weir_summary_free(&reference[f]);
    }
    weir_summary_free(&pane_summary);
    weir_cells_free(cells);
}

// A new level, its alarms, the acceptance; both levels afterwards.
static void change_for_good(int past)
{
    struct weir_error error = {0};
    begin(past);
    ck_assert_int_le(run(0, DAYS * DAY + 2, 0), 2);
    struct weir_calibration of = standing(owner);
    ck_assert_int_eq(of.origin, WEIR_CALIBRATION_STREAM);
    ck_assert_int_eq(of.whole, 1);
    ck_assert_int_eq(of.from, 0);
    ck_assert_int_eq(of.to, DAYS * DAY * (int64_t)HOUR);
    int64_t change = DAYS * DAY + 2, until = change + DAYS * DAY;
    ck_assert_int_ge(run(change, until, 1), DAYS * DAY * 9 / 10);
    ck_assert(strstr(found.summary, "(4 days of calibration, 1970-01-01..1970-01-05)") || past);
    ck_assert_str_eq(found.before, "1970-01-01 00:00 to 1970-01-05 00:00 UTC, 4 days");
    ck_assert_str_eq(found.after, "automatic");
    of = standing(owner);
    ck_assert_int_eq(of.kept_to, until * HOUR);
    ck_assert_int_le(of.kept_from, change * HOUR);

    ck_assert_msg(!accept_of(owner, change, until, &error), "%s", error.message);
    ck_assert_double_eq(told.days, DAYS);
    ck_assert_double_eq(told.wanted, DAYS);
    ck_assert(told.threshold > 0 && told.fields == FIELDS);
    of = standing(owner);
    ck_assert_int_eq(of.origin, WEIR_CALIBRATION_ACCEPTED);
    ck_assert_int_eq(of.whole, 1);
    ck_assert_int_eq(of.from, change * HOUR);
    ck_assert_int_eq(of.to, until * HOUR);
    ck_assert_int_le(run(until, until + DAY, 1), 1);
    ck_assert_int_ge(run(until + DAY, until + DAY + 6, 0), past ? 1 : 6);
    ck_assert_str_eq(found.after, "accepted 2024-10-04 00:00 UTC");
    if (!past)
        ck_assert_ptr_nonnull(strstr(
            found.summary, "(4 days of calibration, 1970-01-05..1970-01-09, accepted 2024-10-04)"));
    end();
}

START_TEST(the_new_level_is_usual_then)
{
    change_for_good(0);
}
END_TEST

START_TEST(past_windows_are_replayed)
{
    change_for_good(1);
}
END_TEST

START_TEST(it_is_in_the_state)
{
    struct weir_error error = {0};
    struct weir_buffer bytes, one, two;
    weir_buffer_init(&bytes, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&one, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&two, WEIR_BUFFER_MAXIMUM);
    begin(1);
    run(0, 2 * DAYS * DAY, 0);
    // As often as a restart reads it again, from the state before it: the same bytes.
    void *again = make_again(instance, owner, &bytes);
    ck_assert_int_eq(accept_of(owner, DAYS * DAY, 2 * DAYS * DAY, &error), 0);
    ck_assert_int_eq(accept_of(again, DAYS * DAY, 2 * DAYS * DAY, &error), 0);
    save(owner, &one);
    save(again, &two);
    ck_assert_uint_eq(one.length, two.length);
    ck_assert_int_eq(memcmp(one.data, two.data, one.length), 0);
    // And restored from the state behind it, through windows and another one.
    void *restored = make_again(instance, owner, &bytes);
    for (int64_t hour = 2 * DAYS * DAY; hour < 2 * DAYS * DAY + 30; hour++) {
        draw_window(hour % 7 ? 0 : 1);
        judge(owner, hour);
        int drift = found.drift;
        judge(restored, hour);
        ck_assert_int_eq(drift, found.drift);
        judge(again, hour);
        ck_assert_int_eq(drift, found.drift);
    }
    save(owner, &one);
    save(restored, &two);
    ck_assert_uint_eq(one.length, two.length);
    ck_assert_int_eq(memcmp(one.data, two.data, one.length), 0);
    ck_assert_int_eq(standing(restored).origin, WEIR_CALIBRATION_ACCEPTED);
    for (size_t length = 0; length < bytes.length; length += 1 + length / 64) {
        void *other = make_owner(instance);
        ck_assert_int_eq(restore(other, &bytes, length), WEIR_ECORRUPT);
        weir_plugin.owner_destroy(other);
    }
    weir_plugin.owner_destroy(again);
    weir_plugin.owner_destroy(restored);
    end();
    weir_buffer_free(&bytes);
    weir_buffer_free(&one);
    weir_buffer_free(&two);
}
END_TEST

START_TEST(a_shorter_one_goes_on_growing)
{
    struct weir_error error = {0};
    begin(0);
    run(0, DAYS * DAY + 2, 0);
    int64_t change = DAYS * DAY + 2, until = change + 3 * DAY;
    run(change, until, 1);
    ck_assert_msg(!accept_of(owner, change, until, &error), "%s", error.message);
    struct weir_calibration of = standing(owner);
    ck_assert_int_eq(of.origin, WEIR_CALIBRATION_ACCEPTED);
    ck_assert_int_eq(of.whole, 0);
    ck_assert_int_le(run(until, until + DAY, 1), 1);
    of = standing(owner);
    ck_assert_int_eq(of.origin, WEIR_CALIBRATION_ACCEPTED);
    ck_assert_int_eq(of.whole, 1);
    ck_assert_int_eq(of.from, change * HOUR);
    ck_assert_int_eq(of.to, (until + DAY) * HOUR);
    ck_assert_int_ge(run(until + DAY, until + DAY + 6, 0), 6);
    end();
}
END_TEST

START_TEST(what_does_not_do_is_refused)
{
    struct weir_error error = {0};
    begin(0);
    refuse(0, DAYS * DAY, "no windows are kept");
    run(0, 2 * DAYS * DAY + 2 * DAY, 0);
    struct weir_calibration of = standing(owner);
    int64_t first = of.kept_from / HOUR, last = of.kept_to / HOUR;
    ck_assert_int_eq(last, 2 * DAYS * DAY + 2 * DAY);
    ck_assert_int_eq(first, last - (DAYS + 1) * DAY); // a day more than a calibration
    refuse(last, last - DAY, "is not before");
    refuse(first - 2 * DAY, last, "windows are kept from");
    refuse(first, last + 2 * DAY, "windows are kept from");
    refuse(last - 20, last, "20 windows");
    refuse(last - 30, last, "too short: 1.2 days");
    refuse(first, first + 3 * DAY, "leave its end away");
    ck_assert_int_eq(accept_of(owner, first - DAY, last + DAY, &error), 0); // nearly
    end();
    // Windows with too few records say nothing.
    begin(0);
    for (int64_t hour = 0; hour < DAYS * DAY; hour++) {
        for (size_t f = 0; f < FIELDS; f++)
            draw(&now[f], 0, 50);
        judge(owner, hour);
    }
    refuse(0, DAYS * DAY, "0 of them with enough records");
    end();
}
END_TEST

START_TEST(a_profile_holds_until_another_is_accepted)
{
    struct weir_error error = {0};
    struct weir_buffer bytes;
    weir_buffer_init(&bytes, WEIR_BUFFER_MAXIMUM);
    n_panes = DAYS * DAY;
    draw(&pane_summary, pane_level, ROWS);
    begin(0);
    run(0, 1, 0);
    ck_assert_int_eq(standing(owner).origin, WEIR_CALIBRATION_PROFILE);
    run(1, DAYS * DAY, 1);
    ck_assert_msg(!accept_of(owner, 0, DAYS * DAY, &error), "%s", error.message);
    void *again = make_again(instance, owner, &bytes);
    draw_window(1);
    judge(again, DAYS * DAY);
    ck_assert_int_eq(standing(again).origin, WEIR_CALIBRATION_ACCEPTED);
    ck_assert_int_eq(found.drift, 0);
    weir_plugin.owner_destroy(again);
    // Of another profile: that is what the configuration says since.
    weir_plugin.owner_destroy(owner);
    weir_plugin.destroy(instance);
    draw(&pane_summary, pane_level, ROWS + 1);
    begin(0);
    ck_assert_int_eq(restore(owner, &bytes, bytes.length), 0);
    judge(owner, DAYS * DAY);
    ck_assert_int_eq(standing(owner).origin, WEIR_CALIBRATION_PROFILE);
    end();
    weir_buffer_free(&bytes);
}
END_TEST

// The same hour of past weeks is there after two weeks: what is promised of it is of the time
// since.
START_TEST(a_stretch_is_as_long_as_it_could_be_judged)
{
    enum { READY = 14, LAST = 16 };
    static const struct weir_reference_spec specs[] = {
        {.size = sizeof *specs, .kind = WEIR_REFERENCE_PROFILE},
        {.size = sizeof *specs,
         .kind = WEIR_REFERENCE_SAME_HOUR,
         .span = READY * DAY * (int64_t)HOUR}};
    int with_profile = _i;
    instance = make_of(with_profile ? specs : specs + 1, with_profile ? 2 : 1, LAST);
    owner = make_owner(instance);
    run(0, READY * DAY, 0);
    ck_assert_int_eq(standing(owner).from, 0);
    ck_assert_int_eq(standing(owner).to, with_profile ? READY * DAY * (int64_t)HOUR : 0);
    run(READY * DAY, (READY + LAST - 2) * DAY, 0);
    ck_assert_int_eq(standing(owner).whole, 0);
    ck_assert_int_eq(standing(owner).from, with_profile ? 0 : READY * DAY * (int64_t)HOUR);
    run((READY + LAST - 2) * DAY, (READY + LAST) * DAY + 2, 0);
    ck_assert_int_eq(standing(owner).whole, 1);
    ck_assert_int_ge(run((READY + LAST) * DAY + 2, (READY + LAST) * DAY + 4, 1), 1);
    ck_assert_int_eq(found.provisional, 0);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("accept");
    TCase *cases = tcase_create("accept");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, the_new_level_is_usual_then);
    tcase_add_test(cases, past_windows_are_replayed);
    tcase_add_test(cases, it_is_in_the_state);
    tcase_add_test(cases, a_shorter_one_goes_on_growing);
    tcase_add_test(cases, what_does_not_do_is_refused);
    tcase_add_test(cases, a_profile_holds_until_another_is_accepted);
    tcase_add_loop_test(cases, a_stretch_is_as_long_as_it_could_be_judged, 0, 2);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
