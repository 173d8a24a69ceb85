// SPDX-License-Identifier: Apache-2.0
// Slow drift: found where no window shows it, with its onset; silent on days like those it learnt.
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/drift/drift.h"
#include "detectors/drift/drift_harness.h"
#include "stats/cells.h"
#include "stats/cells_build.h"
#include "stats/special.h"
#include "stats/summary.h"

enum { FIELDS = 6, ROWS = 200, LEARN = 24 * 14, WANDERS = 1, CATEGORY = FIELDS - 1 };
static const int64_t HOUR = 3600000;

static uint64_t state;
static struct weir_cells *cells[2];
static struct weir_summary now[FIELDS], reference[FIELDS];
static char names[FIELDS][8];
static struct weir_field fields[FIELDS];
static const struct weir_stream stream = {.name = "s", .fields = fields, .n_fields = FIELDS};

static double uniform(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return ((double)((state * 0x2545f4914f6cdd1du) >> 11) + .5) * 0x1p-53;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
}

// ---- the stream

struct change {
    double level, nulls, category; // of the first field, or of the category's second value
    double step;                   // of the one that wanders
};

static void draw(struct weir_summary *into, size_t f, double level, const struct change *change)
{
    memset(into->cell, 0, into->cells->n * sizeof *into->cell);
    into->rows = ROWS;
    into->null = into->values = 0;
    for (int i = 0; i < ROWS; i++) {
        if (f == 0 && uniform() < .01 + change->nulls) {
            into->null++;
            continue;
        }
        into->values++;
        if (f == CATEGORY) {
            double u = uniform();
            into->cell[u < .2 + change->category ? 1 : u < .6 ? 0 : 2]++;
        } else {
            double x = normal() + level + (f == 0 ? change->level : 0);
            into->cell[weir_cells_find(cells[0], x)]++;
        }
    }
}

static double wandered; // where the field is that has a memory

static void draw_window(int64_t hour, const struct change *change)
{
    wandered = .9 * wandered + .12 * sqrt(1 - .9 * .9) * normal();
    for (size_t f = 0; f < FIELDS; f++) {
        double day = .3 * sin(6.283185307179586 * (double)((hour + 3 * (int64_t)f) % 24) / 24);
        draw(&now[f], f, day + (f == WANDERS ? wandered + change->step : 0), change);
    }
}

// ---- the host

struct found {
    int slow, other, wanders;
    char summary[1000], field[16], evidence[300], onset[300];
    double value;
};
static struct found found;

static const struct weir_cells *on_cells(const struct weir_setup *setup, int field)
{
    (void)setup;
    return cells[field == CATEGORY];
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
    ck_assert(isfinite(finding->statistic.value) && isfinite(finding->statistic.threshold));
    ck_assert(isnan(finding->share) || (finding->share >= 0 && finding->share <= 1));
    ck_assert_msg(!strstr(finding->summary, "nan") && !strstr(finding->summary, "inf "), "%s",
                  finding->summary);
    for (size_t i = 0; i < finding->n_evidence; i++) {
        ck_assert_ptr_null(strstr(finding->evidence[i].before, "nan"));
        ck_assert_ptr_null(strstr(finding->evidence[i].after, "nan"));
    }
    if (!strcmp(finding->kind, "skew.distribution")) // the reference is one window, drawn once
        return;
    if (strcmp(finding->kind, "drift.slow") != 0) {
        found.other++;
        found.wanders += !strcmp(finding->fields[0], "f1");
        return;
    }
    found.slow++;
    ck_assert(isfinite(finding->statistic.value) && isfinite(finding->statistic.p_value));
    ck_assert_ptr_null(strstr(finding->summary, "nan"));
    found.value = finding->statistic.value;
    snprintf(found.summary, sizeof found.summary, "%s", finding->summary);
    snprintf(found.field, sizeof found.field, "%s", finding->fields[0]);
    for (size_t i = 0; i < finding->n_evidence; i++) {
        if (!strcmp(finding->evidence[i].type, "onset"))
            snprintf(found.onset, sizeof found.onset, "%s", finding->evidence[i].after);
    }
    snprintf(found.evidence, sizeof found.evidence, "%s => %s", finding->evidence[0].before,
             finding->evidence[0].after);
}

static void *make_instance(void)
{
    static const char *const references[] = {"training"};
    static const struct weir_reference_spec spec = {.size = sizeof spec,
                                                    .kind = WEIR_REFERENCE_PROFILE};
    static const int all[] = {0, 1, 2, 3, 4, 5};
    struct weir_detector_config config = {.stream = &stream,
                                          .fields = all,
                                          .n_fields = FIELDS,
                                          .n_references = 1,
                                          .references = references,
                                          .reference_specs = &spec,
                                          .calibration_last = LEARN * HOUR,
                                          .alarms_per = LEARN * HOUR};
    struct weir_setup setup = {
        .size = sizeof setup, .need = on_need, .reference = setup_reference, .cells = on_cells};
    return make_auto(config, &setup, 100, 0);
}

static void judge(void *owner, int64_t hour)
{
    struct weir_window host = {.summary = on_summary, .reference = on_reference, .emit = on_emit};
    memset(&found, 0, sizeof found);
    judge_hour(owner, host, hour, ROWS);
}

static void *instance, *owner;
static struct weir_buffer saved; // calibrated

static void setup(void)
{
    enum { N = 4000 };
    static double x[N];
    static struct weir_category categories[3];
    static const char *const values[] = {"a", "b", "c"};
    state = 88172645463325252u;
    for (int i = 0; i < N; i++)
        x[i] = weir_normal_quantile((i + .5) / N);
    for (int k = 0; k < 3; k++)
        categories[k] = (struct weir_category){{values[k], 1, 0}, 10};
    struct weir_category_counts counts = {
        .shape = WEIR_SHAPE_CATEGORICAL, .categories = categories, .n = 3, .complete = 1};
    ck_assert_int_eq(weir_cells_build_numeric(x, N, &cells[0], NULL), 0);
    ck_assert_int_eq(weir_cells_build_categories(&counts, &cells[1], NULL), 0);
    for (int f = 0; f < FIELDS; f++) {
        const struct weir_cells *mine = cells[f == CATEGORY];
        struct weir_summary_spec spec = {
            .shape = mine->shape, .parts = WEIR_PART_CELLS, .cells = mine};
        ck_assert_int_eq(weir_summary_init(&now[f], &spec), 0);
        ck_assert_int_eq(weir_summary_init(&reference[f], &spec), 0);
        snprintf(names[f], sizeof names[f], "f%d", f);
        fields[f] = (struct weir_field){
            .name = names[f], .type = f == CATEGORY ? WEIR_TYPE_STRING : WEIR_TYPE_DOUBLE};
        draw(&reference[f], (size_t)f, 0, &(struct change){0});
    }
    instance = make_instance();
    owner = make_owner(instance);
    for (int64_t hour = 0; hour < LEARN; hour++) {
        draw_window(hour, &(struct change){0});
        judge(owner, hour);
        ck_assert_int_eq(found.slow, 0);
    }
    weir_buffer_init(&saved, WEIR_BUFFER_MAXIMUM);
    save(owner, &saved);
}

static void teardown(void)
{
    weir_plugin.owner_destroy(owner);
    weir_plugin.destroy(instance);
    weir_buffer_free(&saved);
    for (int f = 0; f < FIELDS; f++) {
        weir_summary_free(&now[f]);
        weir_summary_free(&reference[f]);
    }
    weir_cells_free(cells[0]);
    weir_cells_free(cells[1]);
}

// Hours of drift until it is found; -1: never.
static int64_t run(int64_t from, int64_t hours, struct change at_end, int64_t over)
{
    for (int64_t i = 0; i < hours; i++) {
        double part = fmin((double)i / (double)over, 1);
        struct change change = {part * at_end.level, part * at_end.nulls, part * at_end.category,
                                0};
        draw_window(from + i, &change);
        judge(owner, from + i);
        if (found.slow)
            return i;
    }
    return -1;
}

START_TEST(a_ramp_that_no_window_shows_is_found)
{
    // A window of 200 has a standard error of 0.07: the shift by 0.3 sd in six days is lost in it.
    int64_t hours = run(LEARN, 24 * 8, (struct change){.level = .3}, 24 * 6);
    printf("%lld h: %s\n%s\n", (long long)hours, found.summary, found.evidence);
    ck_assert_int_gt(hours, 24);
    ck_assert_str_eq(found.field, "f0");
    ck_assert_ptr_nonnull(strstr(found.summary, "f0 drifts slowly: up by 0.2"));
    ck_assert_ptr_nonnull(strstr(found.summary, ", incrementally since about 1970-01-1"));
    ck_assert_ptr_nonnull(strstr(found.evidence, "windows together, score"));
    ck_assert_ptr_nonnull(strstr(found.onset, "unlike it incrementally since 1970-01-1"));
}
END_TEST

// Windows by themselves begin to show it on the way, now and then.
START_TEST(a_ramp_that_goes_on_is_one_incident)
{
    int quiet = 0, others = 0, since = -1, ended = 0;
    for (int trial = 0; trial < 6; trial++) {
        weir_plugin.owner_destroy(owner);
        owner = make_owner(instance);
        ck_assert_int_eq(restore(owner, &saved, saved.length), 0);
        since = -1;
        quiet = 0;
        for (int i = 0; i < 24 * 8; i++) {
            draw_window(LEARN + i, &(struct change){.level = .6 * fmin((double)i / (24 * 6), 1)});
            judge(owner, LEARN + i);
            since = found.slow && since < 0 ? i : since;
            others += since >= 0 && found.other;
            quiet = found.slow || since < 0 ? 0 : quiet + 1;
            ended += quiet == 3;
        }
        ck_assert_int_ge(since, 0);
    }
    printf("%d windows of others, ended %d times\n", others, ended);
    ck_assert_int_eq(ended, 0);
    ck_assert_int_le(others, 6);
}
END_TEST

START_TEST(nulls_and_categories_creep_too)
{
    int64_t hours = run(LEARN, 24 * 8, (struct change){.nulls = .05}, 24 * 6);
    printf("%lld h: %s\n", (long long)hours, found.summary);
    ck_assert_int_ge(hours, 0);
    ck_assert_str_eq(found.field, "f0");
    ck_assert_ptr_nonnull(strstr(found.summary, ": nulls: "));
    weir_plugin.owner_destroy(owner);
    owner = make_owner(instance);
    ck_assert_int_eq(restore(owner, &saved, saved.length), 0);
    hours = run(LEARN, 24 * 8, (struct change){.category = .12}, 24 * 6);
    printf("%lld h: %s\n", (long long)hours, found.summary);
    ck_assert_int_ge(hours, 0);
    ck_assert_str_eq(found.field, "f5");
    ck_assert_ptr_nonnull(strstr(found.summary, " since "));
}
END_TEST

// Hours from 1970-01-01 that a text has behind a word.
static int64_t hour_in(const char *text, const char *word)
{
    int day, hour, minute;
    const char *at = strstr(text, word);
    ck_assert_msg(at && sscanf(at + strlen(word), "1970-01-%d %d:%d", &day, &hour, &minute) == 3,
                  "%s", text);
    return (day - 1) * 24 + hour;
}

START_TEST(a_small_step_is_told_and_dated)
{
    int inside = 0, steps = 0;
    for (int trial = 0; trial < 5; trial++) {
        weir_plugin.owner_destroy(owner);
        owner = make_owner(instance);
        ck_assert_int_eq(restore(owner, &saved, saved.length), 0);
        run(LEARN, 24, (struct change){0}, 1);
        int64_t hours = run(LEARN + 24, 24 * 8, (struct change){.level = .3}, 1);
        ck_assert_int_ge(hours, 0);
        for (int64_t i = 1; i < 24; i++) {
            draw_window(LEARN + 24 + hours + i, &(struct change){.level = .3});
            judge(owner, LEARN + 24 + hours + i);
        }
        if (!found.slow)
            continue;
        inside += hour_in(found.onset, "between ") <= LEARN + 25 &&
                  hour_in(found.onset, " and ") >= LEARN + 23;
        steps += strstr(found.onset, "at once since") != NULL;
        printf("%s\n", found.summary);
    }
    ck_assert_int_ge(inside, 4);
    ck_assert_int_ge(steps, 4);
}
END_TEST

START_TEST(older_states_are_read)
{
    // An earlier version has nothing behind the charts: nothing is dated by how it was before.
    struct weir_error error = {0};
    struct weir_reader in = weir_reader_make(saved.data, saved.length);
    weir_plugin.owner_destroy(owner);
    owner = make_owner(instance);
    ck_assert_int_eq(weir_plugin.owner_restore(owner, DRIFT_STATE_TRACE - 1, &in, &error), 0);
    ck_assert_int_gt(weir_reader_left(&in), 1000);
    int64_t hours = run(LEARN, 24 * 8, (struct change){.level = .3}, 24 * 6);
    ck_assert_int_gt(hours, 24);
    ck_assert_ptr_nonnull(strstr(found.summary, "f0 drifts slowly: up by 0.2"));
}
END_TEST

START_TEST(days_like_those_learnt_are_silent)
{
    int64_t hours = run(LEARN, 24 * 40, (struct change){0}, 1);
    ck_assert_msg(hours < 0, "%s", found.summary);
}
END_TEST

START_TEST(a_jump_is_not_slow_and_what_is_over_is_quiet)
{
    int other = 0, slow = 0;
    for (int64_t i = 0; i < 24 * 12; i++) {
        // A day of a large jump, then a week as ever.
        draw_window(LEARN + i, &(struct change){.level = i >= 24 && i < 48 ? 1 : 0});
        judge(owner, LEARN + i);
        other += found.other && i >= 24 && i < 48;
        slow += found.slow;
    }
    ck_assert_int_ge(other, 20);
    ck_assert_int_eq(slow, 0);
}
END_TEST

START_TEST(a_step_of_a_field_that_wanders_is_found)
{
    // It wanders by 0.12 sd, but not as far within an hour.
    int steps = 0, at_once = 0, lasting = 0;
    for (int64_t from = LEARN; from < LEARN + 24 * 20; from += 48 + 12, steps++) {
        void *kept = owner;
        struct weir_buffer bytes;
        weir_buffer_init(&bytes, WEIR_BUFFER_MAXIMUM);
        save(owner, &bytes);
        for (int64_t i = 0; i < 48; i++) {
            draw_window(from + i, &(struct change){0});
            judge(owner, from + i);
        }
        for (int64_t i = 48; i < 48 + 12; i++) {
            draw_window(from + i, &(struct change){.step = .8});
            judge(owner, from + i);
            at_once += found.wanders && i == 48;
            lasting += found.wanders;
        }
        weir_plugin.owner_destroy(kept);
        owner = make_owner(instance);
        ck_assert_int_eq(restore(owner, &bytes, bytes.length), 0);
        weir_buffer_free(&bytes);
    }
    printf("%d of %d at once, %d windows of %d\n", at_once, steps, lasting, steps * 12);
    ck_assert_int_ge(at_once * 4, steps * 3);
    ck_assert_int_ge(lasting * 2, steps * 12);
}
END_TEST

static void odd_window(int kind)
{
    for (size_t f = 0; f < FIELDS; f++) {
        struct weir_summary *of = &now[f];
        size_t n = of->cells->n;
        memset(of->cell, 0, n * sizeof *of->cell);
        of->null = of->unseen = 0;
        of->rows = of->values = kind == 0 ? 0 : kind == 1 ? 1 : kind == 2 ? 5 : 50000000;
        if (kind == 3) { // all null
            of->null = of->rows;
            of->values = 0;
        } else if (kind == 4) { // never seen
            of->unseen = of->values;
        }
        if (kind == 6) { // ties: half of them at one value, which some cell has
            of->cell[n / 2] = of->values / 2;
            of->cell[0] = of->values - of->values / 2;
        } else if (of->values) {
            of->cell[n - 1] = of->values; // or one value, beyond all others: an infinity
        }
    }
}

START_TEST(odd_windows_are_judged_or_left)
{
    int told = 0, alarms = 0;
    for (int64_t i = 0; i < 7 * 30; i++) {
        odd_window((int)(i % 7));
        judge(owner, LEARN + i);
        // Too few to say anything.
        ck_assert_int_eq((found.other || found.slow) && i % 7 < 3, 0);
        told += found.other;
    }
    ck_assert_int_ge(told, 4 * 30 - 1);
    // What was learnt is whole: days as ever are silent again.
    for (int64_t i = 0; i < 48; i++) {
        draw_window(LEARN + 240 + i, &(struct change){0});
        judge(owner, LEARN + 240 + i);
        alarms += i > 24 && (found.other || found.slow);
    }
    ck_assert_int_le(alarms, 1);
}
END_TEST

START_TEST(odd_fields_are_calibrated_beside_others)
{
    weir_plugin.owner_destroy(owner);
    owner = make_owner(instance);
    int told = 0;
    for (int64_t hour = 0; hour < LEARN + 100; hour++) {
        draw_window(hour, &(struct change){0});
        for (size_t f = 2; f <= 4; f++) {
            memset(now[f].cell, 0, now[f].cells->n * sizeof *now[f].cell);
            now[f].values = f == 2 ? ROWS : f == 3 ? 0 : 3; // constant, null, all but null
            now[f].null = ROWS - now[f].values;
            now[f].cell[hour < LEARN + 50 ? 5 : 6] = now[f].values;
        }
        judge(owner, hour);
        ck_assert_msg(hour < LEARN || hour >= LEARN + 50 || !(found.other || found.slow), "%s",
                      found.summary);
        told += found.other;
    }
    ck_assert_int_ge(told, 49); // the constant is another one
}
END_TEST

START_TEST(it_ends_when_the_field_is_back)
{
    int64_t hours = run(LEARN, 24 * 12, (struct change){.level = .3}, 24 * 6);
    ck_assert_int_ge(hours, 0);
    int64_t at = LEARN + hours + 1, last = 0;
    for (int64_t i = 0; i < 24 * 10; i++) {
        draw_window(at + i, &(struct change){0});
        judge(owner, at + i);
        last = found.slow ? i : last;
    }
    printf("over after %lld h\n", (long long)last);
    ck_assert_int_lt(last, 24 * 3);
}
END_TEST

START_TEST(restored_at_any_window_it_goes_on)
{
    void *other = NULL;
    int slow = 0;
    for (int64_t i = 0; i < 24 * 7; i++) {
        struct change change = {.level = .5 * (double)i / (24 * 7)};
        struct weir_buffer bytes;
        weir_buffer_init(&bytes, WEIR_BUFFER_MAXIMUM);
        save(owner, &bytes);
        other = make_owner(instance);
        ck_assert_int_eq(restore(other, &bytes, bytes.length), 0);
        weir_buffer_free(&bytes);
        draw_window(LEARN + i, &change);
        judge(owner, LEARN + i);
        struct found here = found;
        judge(other, LEARN + i);
        ck_assert_int_eq(here.slow, found.slow);
        ck_assert_str_eq(here.summary, found.summary);
        ck_assert_double_eq(here.value, found.value);
        weir_plugin.owner_destroy(owner);
        owner = other;
        slow += found.slow;
    }
    ck_assert_int_gt(slow, 0);
}
END_TEST

START_TEST(garbage_is_refused)
{
    struct weir_buffer bytes;
    weir_buffer_init(&bytes, WEIR_BUFFER_MAXIMUM);
    save(owner, &bytes);
    // The charts, and behind them what explains by them, are at the end.
    size_t end = bytes.length < 40000 ? bytes.length : 40000;
    for (size_t k = 0; k < 40; k++) {
        void *other = make_owner(instance);
        size_t length = bytes.length - 1 - k * 997 % end;
        ck_assert_int_eq(restore(other, &bytes, length), WEIR_ECORRUPT);
        weir_plugin.owner_destroy(other);
    }
    for (size_t k = 0; k < 160; k++) {
        void *other = make_owner(instance);
        size_t at = bytes.length - 1 - (size_t)(uniform() * (double)end);
        uint8_t was = bytes.data[at];
        bytes.data[at] ^= (uint8_t)(1 + uniform() * 255);
        if (!restore(other, &bytes, bytes.length)) {
            draw_window(LEARN + 1, &(struct change){0});
            judge(other, LEARN + 1);
        }
        bytes.data[at] = was;
        weir_plugin.owner_destroy(other);
    }
    weir_buffer_free(&bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("slow");
    TCase *cases = tcase_create("slow");
    tcase_set_timeout(cases, 240);
    tcase_add_unchecked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_ramp_that_no_window_shows_is_found);
    tcase_add_test(cases, a_ramp_that_goes_on_is_one_incident);
    tcase_add_test(cases, nulls_and_categories_creep_too);
    tcase_add_test(cases, a_small_step_is_told_and_dated);
    tcase_add_test(cases, older_states_are_read);
    tcase_add_test(cases, days_like_those_learnt_are_silent);
    tcase_add_test(cases, a_jump_is_not_slow_and_what_is_over_is_quiet);
    tcase_add_test(cases, a_step_of_a_field_that_wanders_is_found);
    tcase_add_test(cases, odd_windows_are_judged_or_left);
    tcase_add_test(cases, odd_fields_are_calibrated_beside_others);
    tcase_add_test(cases, it_ends_when_the_field_is_back);
    tcase_add_test(cases, restored_at_any_window_it_goes_on);
    tcase_add_test(cases, garbage_is_refused);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
