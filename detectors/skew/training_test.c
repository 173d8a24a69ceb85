// SPDX-License-Identifier: Apache-2.0
#include "detectors/skew/training.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/draw_inside.h"
#include "stats/habits.h"
#include "stats/summary.h"
#include "stats/unlike_inside.h"

enum { FIELDS = 3, ROWS = 1500, TRAINED = 10000, WINDOW = 3600000 };
static const int64_t MONDAY = 1760313600000;

static const struct weir_field infos[FIELDS] = {{.name = "amount", .type = WEIR_TYPE_DOUBLE},
                                                {.name = "age", .type = WEIR_TYPE_DOUBLE},
                                                {.name = "country", .type = WEIR_TYPE_STRING}};
static const char *const words[] = {"US", "DE", "JP", "us", "FR"};

static struct unlike_sample samples[FIELDS];
static struct skew_training_field fields[FIELDS];
static struct skew_training_plan plan;
static struct weir_window window;
static int64_t hour;

// What was said of the last window.
static int n_found, n_undecided;
static char rules[400], summary[1200], named[400];
static int provisional;

static void on_emit(const struct weir_window *from, const struct weir_finding *finding)
{
    (void)from;
    n_found++;
    snprintf(rules + strlen(rules), sizeof rules - strlen(rules), "%s ", finding->rule);
    snprintf(summary, sizeof summary, "%s", finding->summary);
    ck_assert_uint_gt(strlen(finding->summary), 20);
    ck_assert_ptr_null(strstr(finding->summary, "nan"));
    ck_assert_uint_eq(finding->n_evidence, finding->n_fields);
    ck_assert(isfinite(finding->statistic.value));
    provisional = finding->provisional;
    for (size_t i = 0; i < finding->n_fields; i++)
        snprintf(named + strlen(named), sizeof named - strlen(named), "%s ", finding->fields[i]);
}

static void on_undecided(const struct weir_window *from)
{
    (void)from;
    n_undecided++;
}

static const struct weir_summary *summary_of(const struct weir_window *from, size_t slice,
                                             int field)
{
    (void)from;
    ck_assert_uint_eq(slice, 0);
    return &samples[field].side[1];
}

static const struct weir_summary *reference_of(const struct weir_window *from, size_t i, int field)
{
    (void)from;
    ck_assert_uint_eq(i, 0);
    return &samples[field].side[0];
}

// How serving differs: nothing, unless set.
static struct {
    double shift, nulls;
    int standardised, lower_case, new_country;
} change;

static double served_number(int f)
{
    double x = f ? 41 + 12 * draw_normal() : exp(3 + change.shift + 0.6 * draw_normal());
    if (f && change.standardised)
        x = (x - 41) / 12;
    return !f && draw_uniform() < change.nulls ? NAN : x;
}

static uint32_t country(void)
{
    return draw_uniform() < .6 ? 0 : draw_uniform() < .7 ? 1 : 2;
}

static void make_training(void)
{
    static double x[TRAINED];
    static uint32_t code[TRAINED];
    for (int f = 0; f < FIELDS; f++) {
        for (int i = 0; i < TRAINED; i++) {
            x[i] = f ? 41 + 12 * draw_normal() : exp(3 + 0.6 * draw_normal());
            code[i] = country();
        }
        if (f < 2)
            unlike_numbers(&samples[f], infos[f].name, WEIR_TYPE_DOUBLE, x, TRAINED, x, 0);
        else
            unlike_words(&samples[f], infos[f].name, words, 5, code, TRAINED, code, 0);
        fields[f] = (struct skew_training_field){f, &infos[f], &samples[f].side[0],
                                                 samples[f].side[0].parts};
    }
}

static void make_window(void)
{
    static double y[ROWS];
    static uint32_t code[ROWS];
    for (int f = 0; f < FIELDS; f++) {
        for (int i = 0; i < ROWS; i++) {
            y[i] = served_number(f);
            code[i] = country();
            if (change.lower_case && code[i] == 0)
                code[i] = 3;
            if (change.new_country && draw_uniform() < .05)
                code[i] = 4;
        }
        weir_summary_free(&samples[f].side[1]);
        if (f < 2)
            unlike_side_numbers(&samples[f].side[1], samples[f].cells, y, ROWS);
        else
            unlike_side_words(&samples[f].side[1], samples[f].cells, words, 5, code, ROWS);
    }
    window = (struct weir_window){.size = sizeof window,
                                  .start = MONDAY + hour * WINDOW,
                                  .end = MONDAY + (hour + 1) * WINDOW,
                                  .rows = ROWS,
                                  .phase = WEIR_FINAL,
                                  .summary = summary_of,
                                  .reference = reference_of,
                                  .emit = on_emit,
                                  .undecided = on_undecided};
    hour++;
}

static void setup(void)
{
    draw_state = 77;
    hour = 0;
    memset(&change, 0, sizeof change);
    make_training();
    plan = (struct skew_training_plan){.fields = fields,
                                       .n_fields = FIELDS,
                                       .reference = "training",
                                       .delta = 0.2,
                                       .critical = 0.5,
                                       .segment = 0.01,
                                       .alpha = 1 / 720.,
                                       .over = 48 * (int64_t)WINDOW,
                                       .minimum = 100,
                                       .redact = 1};
}

static void teardown(void)
{
    for (int f = 0; f < FIELDS; f++) {
        unlike_free(&samples[f]);
        memset(&samples[f], 0, sizeof samples[f]);
    }
}

static struct skew_training *start(void)
{
    struct skew_training *training;
    ck_assert_int_eq(skew_training_create(&plan, &training), 0);
    return training;
}

static void pass(struct skew_training *training, int windows)
{
    struct weir_error error;
    for (int i = 0; i < windows; i++) {
        make_window();
        n_found = n_undecided = 0;
        *rules = *named = *summary = 0;
        ck_assert_int_eq(skew_training_window(training, &window, &error), 0);
    }
}

START_TEST(nothing_is_said_of_what_is_alike)
{
    struct skew_training *training = start();
    for (int i = 0; i < 60; i++) {
        pass(training, 1);
        ck_assert_int_eq(n_found, 0);
    }
    skew_training_destroy(training);
}
END_TEST

START_TEST(an_offset_waits_for_days_and_a_name_does_not)
{
    struct skew_training *training = start();
    change.shift = 0.25; // 0.4 sd
    pass(training, 47);
    ck_assert_int_eq(n_found, 0);
    pass(training, 2);
    ck_assert_str_eq(rules, "distribution ");
    ck_assert_str_eq(named, "amount ");
    ck_assert_int_eq(provisional, 0);
    skew_training_destroy(training);
    hour = 0;
    change.shift = 0;
    change.standardised = 1;
    training = start();
    pass(training, 1);
    ck_assert_str_eq(rules, "preprocessing:standardised ");
    ck_assert_str_eq(named, "age ");
    skew_training_destroy(training);
}
END_TEST

START_TEST(a_large_offset_is_told_provisionally_after_a_day)
{
    struct skew_training *training = start();
    change.shift = 0.7;
    pass(training, 23);
    ck_assert_int_eq(n_found, 0);
    pass(training, 1);
    ck_assert_str_eq(rules, "distribution ");
    ck_assert_int_eq(provisional, 1);
    skew_training_destroy(training);
}
END_TEST

START_TEST(dirt_new_values_and_spellings_each_have_an_incident)
{
    struct skew_training *training = start();
    change.nulls = 0.08;
    pass(training, 1);
    ck_assert_str_eq(rules, "noise ");
    ck_assert_ptr_nonnull(strstr(summary, "dirtier than training was: amount "));
    skew_training_destroy(training);
    hour = 0;
    change.nulls = 0;
    change.new_country = 1;
    training = start();
    pass(training, 1);
    ck_assert_str_eq(rules, "population ");
    ck_assert_ptr_nonnull(strstr(summary, "country has 'FR'"));
    skew_training_destroy(training);
    hour = 0;
    change.new_country = 0;
    change.lower_case = 1;
    training = start();
    pass(training, 1);
    ck_assert_str_eq(rules, "preprocessing:case ");
    ck_assert_ptr_nonnull(strstr(summary, "'us' for 'US'"));
    skew_training_destroy(training);
}
END_TEST

// What was put right is forgotten long before the stretch has passed.
START_TEST(what_is_put_right_ends)
{
    struct skew_training *training = start();
    change.standardised = 1;
    change.nulls = 0.2;
    pass(training, 30);
    ck_assert_int_eq(n_found, 2);
    memset(&change, 0, sizeof change);
    pass(training, 4);
    ck_assert_int_eq(n_found, 0);
    for (int i = 0; i < 10; i++) {
        pass(training, 1);
        ck_assert_int_eq(n_found, 0);
    }
    skew_training_destroy(training);
}
END_TEST

// What training's own days are unlike by is no skew.
START_TEST(days_that_differ_are_reckoned_with)
{
    struct skew_training *training = start();
    struct weir_habits *habits = weir_habits_create();
    ck_assert_ptr_nonnull(habits);
    habits->spans[WEIR_HABITS_DAY] = (struct weir_spread){{20, 400, 1}, 200, 12};
    change.shift = 0.25; // 0.4 sd
    pass(training, 50);
    ck_assert_str_eq(rules, "distribution ");
    samples[0].cells->habits = habits;
    pass(training, 1);
    ck_assert_int_eq(n_found, 0);
    samples[0].cells->habits = NULL;
    weir_habits_free(habits);
    skew_training_destroy(training);
}
END_TEST

// Nulls of two weeks of training by the hour of the day: 1% at midnight, 9% at noon.
static double nulls_at(int64_t at)
{
    return 0.05 - 0.04 * cos((double)(at % 24) / 12 * M_PI);
}

static struct weir_summary hours[14 * 24];
static struct weir_habits *show_hours(void)
{
    struct weir_habits *habits = weir_habits_create();
    struct weir_summary *then = &samples[0].side[0];
    struct weir_summary_spec spec = {then->shape, WEIR_PART_MOMENTS | WEIR_PART_CELLS, then->cells,
                                     0};
    habits->stretches = calloc(14 * 24, sizeof *habits->stretches);
    for (int h = 0; h < 14 * 24; h++) {
        int64_t start = MONDAY + (h - 21 * 24) * (int64_t)WINDOW;
        ck_assert_int_eq(weir_summary_init(&hours[h], &spec), 0);
        hours[h].rows = 1000;
        hours[h].null = (uint64_t)round(1000 * nulls_at(h));
        hours[h].values = hours[h].rows - hours[h].null;
        for (size_t i = 0; i < then->cells->n; i++)
            hours[h].cell[i] = then->cell[i] / 10;
        habits->stretches[habits->n_stretches++] =
            (struct weir_habits_stretch){start, start + WINDOW, &hours[h]};
    }
    then->rows = 10 * (then->null = 1000) * 2;
    samples[0].cells->habits = habits;
    return habits;
}

static void hide_hours(struct weir_habits *habits)
{
    samples[0].cells->habits = NULL;
    weir_habits_free(habits);
    for (int h = 0; h < 14 * 24; h++)
        weir_summary_free(&hours[h]);
}

// A few hours have other nulls than whole weeks; they are held against the same hours.
START_TEST(hours_are_held_against_the_same_hours)
{
    struct weir_habits *habits = show_hours();
    for (int begin = 0; begin < 24; begin += 6) {
        struct skew_training *training = start();
        for (hour = begin; hour < begin + 30;) {
            change.nulls = nulls_at(hour);
            pass(training, 1);
            ck_assert_msg(n_found == 0, "from %d to %d: %s", begin, (int)hour, summary);
        }
        skew_training_destroy(training);
    }
    // 8% more than usual of these hours are told at once; and so is half of all.
    for (int more = 8; more <= 50; more += 42) {
        struct skew_training *training = start();
        hour = 10;
        change.nulls = nulls_at(hour) + more / 100.;
        pass(training, 1);
        ck_assert_msg(strcmp(rules, "noise ") == 0, "%d: %s", more, rules);
        skew_training_destroy(training);
    }
    // No nulls at noon are too few.
    struct skew_training *training = start();
    hour = 10;
    change.nulls = 0.001;
    pass(training, 1);
    ck_assert_str_eq(rules, "noise ");
    skew_training_destroy(training);
    hide_hours(habits);
}
END_TEST

// Where training's hours are not known, only what no hours can have is told within a day.
START_TEST(hours_that_are_not_known_are_waited_for)
{
    struct weir_summary *then = &samples[0].side[0];
    then->null = 1000;
    then->rows = 20000;
    struct skew_training *training = start();
    hour = 12;
    change.nulls = 0.2;
    pass(training, 5);
    ck_assert_int_eq(n_found, 0);
    change.nulls = 0;
    pass(training, 18);
    ck_assert_int_eq(n_found, 0);
    skew_training_destroy(training);
    // From 5 to 90% after hours, and from 5 to 12% after a day.
    training = start();
    change.nulls = 0.9;
    pass(training, 2);
    ck_assert_int_eq(n_found, 0);
    pass(training, 2);
    ck_assert_str_eq(rules, "noise ");
    skew_training_destroy(training);
    training = start();
    change.nulls = 0.12;
    pass(training, 19);
    ck_assert_int_eq(n_found, 0);
    pass(training, 5);
    ck_assert_str_eq(rules, "noise ");
    skew_training_destroy(training);
}
END_TEST

START_TEST(a_restored_state_says_the_same)
{
    struct skew_training *training = start(), *other = start();
    struct weir_error error;
    struct weir_buffer saved, again;
    weir_buffer_init(&saved, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&again, WEIR_BUFFER_MAXIMUM);
    change.shift = 0.25;
    pass(training, 50);
    ck_assert_int_eq(skew_training_save(training, &saved), 0);
    struct weir_reader reader = weir_reader_make(saved.data, saved.length);
    ck_assert_int_eq(skew_training_restore(other, 4, &reader, &error), 0);
    ck_assert_uint_eq(weir_reader_left(&reader), 0);
    ck_assert_int_eq(skew_training_save(other, &again), 0);
    ck_assert_uint_eq(saved.length, again.length);
    ck_assert_mem_eq(saved.data, again.data, saved.length);
    pass(other, 1);
    ck_assert_str_eq(rules, "distribution ");
    for (size_t length = 0; length < saved.length; length += 1 + length / 50) {
        struct skew_training *cut = start();
        reader = weir_reader_make(saved.data, length);
        ck_assert_int_ne(skew_training_restore(cut, 4, &reader, &error), 0);
        skew_training_destroy(cut);
    }
    weir_buffer_free(&saved);
    weir_buffer_free(&again);
    skew_training_destroy(training);
    skew_training_destroy(other);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("skew training");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_set_timeout(all, 120);
    tcase_add_test(all, nothing_is_said_of_what_is_alike);
    tcase_add_test(all, an_offset_waits_for_days_and_a_name_does_not);
    tcase_add_test(all, a_large_offset_is_told_provisionally_after_a_day);
    tcase_add_test(all, dirt_new_values_and_spellings_each_have_an_incident);
    tcase_add_test(all, what_is_put_right_ends);
    tcase_add_test(all, days_that_differ_are_reckoned_with);
    tcase_add_test(all, hours_are_held_against_the_same_hours);
    tcase_add_test(all, hours_that_are_not_known_are_waited_for);
    tcase_add_test(all, a_restored_state_says_the_same);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
