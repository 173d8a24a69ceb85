// SPDX-License-Identifier: Apache-2.0
#include "detectors/outage/outage.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/draw_inside.h"

extern const struct weir_plugin weir_plugin;

enum { STEP = 300000, DAY_STEPS = 288, MOST_SLICES = 6 };
static const int64_t START = 1767225600000; // a Thursday

static const struct weir_field fields[] = {{.name = "route", .type = WEIR_TYPE_STRING}};
static const struct weir_stream stream = {
    .name = "payments", .fields = fields, .n_fields = 1, .key = -1, .time = -1};

// Traffic with a daily and a weekly rhythm and autocorrelated noise (log-sd, phi .9).
struct traffic {
    double mean, log_sd, noise;
};

static double next_count(struct traffic *traffic, int step)
{
    double hour = step / 12.0, day = floor(hour / 24);
    double weekend = (int)day % 7 == 2 || (int)day % 7 == 3 ? 0.55 : 1;
    double rhythm = exp(0.8 * sin((fmod(hour, 24) - 9) / 24 * 6.283185307)) * weekend;
    traffic->noise = 0.9 * traffic->noise + traffic->log_sd * sqrt(1 - 0.81) * draw_normal();
    return draw_poisson(traffic->mean * rhythm * exp(traffic->noise));
}

// ---- the host's part

static struct {
    int n, critical;
    double threshold;
    char kind[32], slice[32], summary[400];
    size_t n_evidence;
} found;

static int on_need(const struct weir_setup *setup, unsigned by, int field, unsigned parts,
                   struct weir_error *error)
{
    (void)setup, (void)by, (void)field, (void)parts, (void)error;
    return 0;
}

static void on_emit(const struct weir_window *window, const struct weir_finding *finding)
{
    (void)window;
    found.n++;
    found.critical = finding->severity == WEIR_CRITICAL;
    found.threshold = finding->statistic.threshold;
    found.n_evidence = finding->n_evidence;
    snprintf(found.kind, sizeof found.kind, "%s", finding->kind);
    snprintf(found.slice, sizeof found.slice, "%s",
             finding->n_slice ? finding->slice[0].value : "");
    snprintf(found.summary, sizeof found.summary, "%s", finding->summary);
    ck_assert(isfinite(finding->statistic.value) && isfinite(finding->share));
}

static void *instance, *owner;
static int64_t length = STEP;  // of a window
static double own = .3, share; // false alarms in 30 days: its own, or (own 0) of the app's budget

static int create(int64_t records, struct weir_error *error)
{
    static const int route[] = {0}, *const by[] = {route};
    static const size_t n_by_fields[] = {1};
    const struct weir_option_value values[] = {{.set = 1, .number = .2},
                                               {.set = 1, .integer = 10},
                                               {.set = 1, .integer = 7200000},
                                               {.set = 1, .integer = 86400000},
                                               {.set = own > 0, .number = own}};
    struct weir_detector_config config = {.size = sizeof config,
                                          .name = "outages",
                                          .stream = &stream,
                                          .by = by,
                                          .n_by_fields = n_by_fields,
                                          .n_by = 1,
                                          .window_size = records ? 0 : length,
                                          .window_hop = records ? 0 : length,
                                          .window_records = records,
                                          .severity = -1,
                                          .options = values,
                                          .alarms_at_most = share / 3,
                                          .alarms_per = share > 0 ? 10 * 86400000LL : 0,
                                          .alarms_share = share};
    struct weir_setup setup = {.size = sizeof setup, .need = on_need};
    int code = weir_plugin.create(&config, &setup, &instance, error);
    return code ? code : weir_plugin.owner_create(instance, &owner, error);
}

static void look_at(int step, const double *counts, size_t n_slices)
{
    static const struct weir_slice_value values[] = {
        {"route", "a"}, {"route", "b"}, {"route", "c"}, {"route", "d"}, {"route", "e"}};
    struct weir_slice slices[MOST_SLICES] = {{.rows = (uint64_t)counts[0]}};
    for (size_t s = 1; s < n_slices; s++)
        slices[s] = (struct weir_slice){
            .by = 1, .values = &values[s - 1], .n_values = 1, .rows = (uint64_t)counts[s]};
    struct weir_window window = {.size = sizeof window,
                                 .start = START + (int64_t)step * length,
                                 .end = START + (int64_t)(step + 1) * length,
                                 .phase = WEIR_FINAL,
                                 .tasks_expected = 1,
                                 .tasks_reporting = 1,
                                 .slices = slices,
                                 .n_slices = n_slices,
                                 .emit = on_emit,
                                 .complete = START + (int64_t)(step + 1) * length};
    struct weir_error error = {0};
    memset(&found, 0, sizeof found);
    ck_assert_int_eq(weir_plugin.owner_window(owner, &window, &error), 0);
}

static void setup(void)
{
    struct weir_error error = {0};
    ck_assert_int_eq(create(0, &error), 0);
}

static void teardown(void)
{
    weir_plugin.owner_destroy(owner);
    weir_plugin.destroy(instance);
}

// Windows until the first finding while `left` of the traffic is left; -1: none in `windows`.
static int delay(struct traffic *traffic, int *step, int windows, double left)
{
    int first = -1;
    for (int i = 0; i < windows; i++, (*step)++) {
        double count = floor(next_count(traffic, *step) * left);
        look_at(*step, &count, 1);
        if (found.n && first < 0)
            first = i;
    }
    return first;
}

START_TEST(seasonal_traffic_gives_few_false_alarms_and_outages_are_found)
{
    static const double means[] = {400, 40, 5};
    int incidents = 0, early = 0, in_alarm = 0, days = 0;
    for (int m = 0; m < 3; m++) {
        for (int seed = 0; seed < 2; seed++) {
            struct traffic traffic = {.mean = means[m], .log_sd = 0.2};
            int step = 0, quiet_for = 3; // an incident is over after three quiet windows
            for (; step < 42 * DAY_STEPS; step++) {
                double count = next_count(&traffic, step);
                look_at(step, &count, 1);
                incidents += found.n && quiet_for >= 3;
                early += found.n && quiet_for >= 3 && step < 9 * DAY_STEPS;
                in_alarm += found.n;
                quiet_for = found.n ? 0 : quiet_for + 1;
            }
            days += 42;
            step += 12 * 9; // nine in the morning
            int silence = delay(&traffic, &step, 12, 0);
            ck_assert_str_eq(found.kind, "outage.silence");
            ck_assert_int_eq(found.critical, 1);
            ck_assert_ptr_nonnull(strstr(found.summary, "payments is silent: 0 records"));
            delay(&traffic, &step, DAY_STEPS - 12, 1);
            int half = delay(&traffic, &step, 60, .4);
            printf("mean %3.0f a window: silence found after %d windows, 60%% loss after %d\n",
                   means[m], silence + 1, half + 1);
            ck_assert(silence >= 0 && silence <= (m < 2 ? 3 : 8));
            ck_assert(half >= 0);
            teardown();
            setup();
        }
    }
    printf("%d false incidents in %d days of six series, %d of them in their first nine days; "
           "%.3f%% of windows in alarm\n",
           incidents, days, early, 100.0 * in_alarm / (days * DAY_STEPS));
    ck_assert_int_le(incidents - early, 4); // six series with .3 a month: 2 are expected
    ck_assert_int_le(early, 6);
}
END_TEST

// A stream of five routes by the hour, whose days and hours differ as those of payments do. What
// one seed of it gave: incidents in its first nine days and after, and the windows until a silent
// and a 60% loss of its largest route were found (0: not at all).
struct month {
    int early, later, silence, loss;
};

enum { HOURS = 24, WEEK_HOURS = 168, WEEKS = 8, QUIET = 3 };

static double payments_rhythm(int hours)
{
    static const double by_hour[HOURS] = {0.45, 0.32, 0.25, 0.22, 0.22, 0.30, 0.50, 0.80,
                                          1.05, 1.20, 1.30, 1.40, 1.50, 1.42, 1.30, 1.25,
                                          1.28, 1.40, 1.60, 1.70, 1.60, 1.35, 1.00, 0.68};
    static const double by_day[7] = {1.03, 1.15, 1.10, 0.74, 1.00, 0.98, 1.00};
    return by_hour[hours % HOURS] * by_day[hours / HOURS % 7];
}

static int look_at_payments(int hours, double rate, const double *noise, double left)
{
    static const double shares[MOST_SLICES] = {1, 0.4, 0.25, 0.18, 0.12, 0.05};
    double counts[MOST_SLICES] = {0}, mean = rate * payments_rhythm(hours) * exp(noise[0]);
    for (int s = 1; s < MOST_SLICES; s++) {
        counts[s] = draw_poisson(mean * shares[s] * (s == 1 ? left : 1));
        counts[0] += counts[s];
    }
    look_at(hours, counts, MOST_SLICES);
    return found.n;
}

static struct month play_month(double rate, double log_sd)
{
    struct month month = {0};
    double noise = 0;
    int hours = 0, quiet = QUIET;
    for (; hours < WEEKS * WEEK_HOURS; hours++) {
        noise = 0.9 * noise + log_sd * sqrt(1 - 0.81) * draw_normal();
        int n = look_at_payments(hours, rate, &noise, 1);
        *(hours < 9 * HOURS ? &month.early : &month.later) += n && quiet >= QUIET;
        quiet = n ? 0 : quiet + 1;
    }
    noise = 0;
    for (hours += 9; hours % HOURS != 15; hours++) { // on a Thursday
        if (look_at_payments(hours, rate, &noise, 0) && !month.silence)
            month.silence = hours % HOURS - 8;
    }
    for (; hours % HOURS != 9; hours++)
        look_at_payments(hours, rate, &noise, 1);
    for (; hours % HOURS != 21; hours++) {
        if (look_at_payments(hours, rate, &noise, .4) && !month.loss)
            month.loss = hours % HOURS - 8;
    }
    return month;
}

START_TEST(days_of_the_week_give_few_false_alarms_by_the_hour)
{
    static const double rates[] = {60, 240, 2000}, log_sds[] = {0, 0.1};
    enum { SEEDS = 5 };
    length = 3600000;
    int total = 0, n_months = 0;
    for (int r = 0; r < 6; r++) {
        struct month sum = {0};
        for (int seed = 0; seed < SEEDS; seed++) {
            teardown();
            setup();
            struct month month = play_month(rates[r % 3], log_sds[r / 3]);
            ck_assert(month.silence > 0 && month.silence <= (r % 3 ? 2 : 4));
            ck_assert(month.loss > 0);
            sum.early += month.early;
            sum.later += month.later;
            sum.silence += month.silence;
            sum.loss += month.loss;
        }
        double months = SEEDS * (WEEKS * 7 - 9) / 30.0;
        printf("%4.0f records an hour, log-sd %.1f: %.2f false incidents in 30 days, %d in %d "
               "first nine days; silence found after %.1f windows, 60%% loss after %.1f\n",
               rates[r % 3], log_sds[r / 3], sum.later / months, sum.early, SEEDS,
               (double)sum.silence / SEEDS, (double)sum.loss / SEEDS);
        total += sum.later;
        n_months += (int)months;
    }
    length = STEP;
    ck_assert_int_le(total, n_months / 2); // .3 a month are allowed
}
END_TEST

static void restart(double own_alarms, double of_app)
{
    teardown();
    own = own_alarms;
    share = of_app;
    setup();
}

// Three days of steady traffic, then silence until it is told of: the threshold.
static double threshold_at(double own_alarms, double of_app)
{
    restart(own_alarms, of_app);
    double count = 400, none = 0;
    for (int step = 0; step < 3 * DAY_STEPS; step++)
        look_at(step, &count, 1);
    for (int i = 0; i < 12 && !found.n; i++)
        look_at(3 * DAY_STEPS + i, &none, 1);
    ck_assert_int_eq(found.n, 1);
    return found.threshold;
}

START_TEST(the_threshold_is_of_the_part_of_the_budget)
{
    double windows = 30.0 * DAY_STEPS, sums = 3;
    ck_assert_double_eq_tol(threshold_at(.3, 0), log(sums * windows / .3), 1e-9);
    ck_assert_double_eq_tol(threshold_at(0, .4), log(sums * windows / .4), 1e-9);
    ck_assert_double_eq_tol(threshold_at(0, 1), log(sums * windows), 1e-9);
    ck_assert_double_eq_tol(threshold_at(.3, .4), log(sums * windows / .3), 1e-9); // its own wins
    ck_assert_double_eq_tol(threshold_at(0, 0), log(sums * windows / .3), 1e-9);   // an old host
    restart(.3, 0);
}
END_TEST

START_TEST(the_whole_budget_is_kept)
{
    enum { SEEDS = 6, DAYS = 45 };
    int incidents = 0;
    for (int seed = 0; seed < SEEDS; seed++) {
        restart(0, 1);
        struct traffic traffic = {.mean = 40, .log_sd = 0.2};
        int quiet = 3;
        for (int step = 0; step < DAYS * DAY_STEPS; step++) {
            double count = next_count(&traffic, step);
            look_at(step, &count, 1);
            incidents += found.n && quiet >= 3 && step >= 9 * DAY_STEPS;
            quiet = found.n ? 0 : quiet + 1;
        }
    }
    double months = SEEDS * (DAYS - 9) / 30.0;
    printf("one in 30 days allowed: %d false incidents in %.1f months\n", incidents, months);
    restart(.3, 0);
    ck_assert_double_le(incidents, months + 2 * sqrt(months)); // 2 sd of what is promised
}
END_TEST

START_TEST(an_outage_stays_out_of_its_baseline_and_ends)
{
    struct traffic traffic = {.mean = 100, .log_sd = 0.1};
    int step = 0;
    ck_assert_int_le(delay(&traffic, &step, 14 * DAY_STEPS, 1), 14 * DAY_STEPS);
    ck_assert_int_ge(delay(&traffic, &step, 18 * 12, .3), 0);
    ck_assert_int_eq(found.n, 1); // still, after 18 hours
    ck_assert_str_eq(found.kind, "outage.collapse");
    delay(&traffic, &step, 24, 1);
    ck_assert_int_eq(found.n, 0);
    // A day of it is a new normal.
    delay(&traffic, &step, 12 * 40, .3);
    ck_assert_int_eq(found.n, 0);
}
END_TEST

START_TEST(one_slice_is_one_finding_and_the_whole_is_one)
{
    struct traffic a = {.mean = 80, .log_sd = 0.1}, b = {.mean = 60, .log_sd = 0.1};
    int step = 0;
    for (; step < 10 * DAY_STEPS + 150; step++) {
        double x = next_count(&a, step), y = next_count(&b, step);
        double counts[] = {x + y, x, y};
        look_at(step, counts, 3);
    }
    for (int i = 0; i < 3; i++, step++) {
        double x = next_count(&a, step), counts[] = {x + next_count(&b, step), 0, 0};
        counts[1] = x;
        counts[0] = x * 1.9; // the others make up for b
        look_at(step, counts, 3);
    }
    ck_assert_int_eq(found.n, 1);
    ck_assert_str_eq(found.slice, "b");
    ck_assert_ptr_nonnull(strstr(found.summary, "route b is silent"));
    for (int i = 0; i < 6; i++, step++) {
        double counts[] = {0, 0, 0};
        look_at(step, counts, 3);
    }
    ck_assert_int_eq(found.n, 1);
    ck_assert_str_eq(found.slice, "");
    ck_assert_uint_eq(found.n_evidence, 2);
}
END_TEST

START_TEST(what_is_saved_goes_on_as_if_nothing_had_been)
{
    struct traffic traffic = {.mean = 50, .log_sd = 0.1};
    int step = 0;
    delay(&traffic, &step, 3 * DAY_STEPS, 1);
    struct weir_buffer bytes, again;
    weir_buffer_init(&bytes, 1 << 20);
    weir_buffer_init(&again, 1 << 20);
    ck_assert_int_eq(weir_plugin.owner_save(owner, &bytes), 0);
    void *other;
    struct weir_error error;
    ck_assert_int_eq(weir_plugin.owner_create(instance, &other, &error), 0);
    struct weir_reader in = weir_reader_make(bytes.data, bytes.length);
    ck_assert_int_eq(weir_plugin.owner_restore(other, 1, &in, &error), 0);
    ck_assert_int_eq(weir_plugin.owner_save(other, &again), 0);
    ck_assert_uint_eq(bytes.length, again.length);
    ck_assert_mem_eq(bytes.data, again.data, bytes.length);
    weir_plugin.owner_destroy(other);
    for (size_t n = 0; n < bytes.length; n += 7) {
        uint8_t *copy = malloc(n ? n : 1);
        memcpy(copy, bytes.data, n);
        ck_assert_int_eq(weir_plugin.owner_create(instance, &other, &error), 0);
        in = weir_reader_make(copy, n);
        ck_assert_int_eq(weir_plugin.owner_restore(other, 1, &in, &error), WEIR_ECORRUPT);
        weir_plugin.owner_destroy(other);
        free(copy);
    }
    weir_buffer_free(&bytes);
    weir_buffer_free(&again);
    void *kept = instance, *kept_owner = owner;
    ck_assert_int_eq(create(1000, &error), WEIR_EINVAL);
    instance = kept;
    owner = kept_owner;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("outage");
    TCase *cases = tcase_create("outage");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, seasonal_traffic_gives_few_false_alarms_and_outages_are_found);
    tcase_add_test(cases, days_of_the_week_give_few_false_alarms_by_the_hour);
    tcase_add_test(cases, the_threshold_is_of_the_part_of_the_budget);
    tcase_add_test(cases, the_whole_budget_is_kept);
    tcase_add_test(cases, an_outage_stays_out_of_its_baseline_and_ends);
    tcase_add_test(cases, one_slice_is_one_finding_and_the_whole_is_one);
    tcase_add_test(cases, what_is_saved_goes_on_as_if_nothing_had_been);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
