// SPDX-License-Identifier: Apache-2.0
#include "stats/count_series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weir/error.h"

enum { HOURS_A_DAY = 24, NOTHING = 0 };
static const double HOUR = 3600e3, DAY = 24 * 3600e3;
// Prior log-sd of .2, worth so many windows.
static const double PRIOR_CORRELATION = 0.8;
static const double PRIOR_DISPERSION = 0.04, PRIOR_WINDOWS = 24, LEAST_DISPERSION = 0.0025;
static const double WEEK_DISPERSION = 0.1; // until a week is known
static const double LEAST_EXPECTED = 0.5;
static const double HOLD = 0.6;
// What a weekday's factor is shrunk by, in days, and an hour of the week's, in weeks.
static const double PRIOR_DAYS = 0.15, PRIOR_CYCLES = 3;
static const double CAP = 3; // nats above the threshold: how soon it is over
// Before so much is known the rhythm of a day, and of a week, could be what is looked for.
static const double DAYS_OF_RHYTHM = 2, DAYS_OF_WEEK = 8;

int weir_count_series_init(struct weir_count_series *series, const struct weir_count_rules *rules,
                           uint64_t hash, int64_t start)
{
    memset(series, 0, sizeof *series);
    series->hash = hash;
    series->n_sums = rules->n_shares;
    series->first = start;
    series->alarm_since = INT64_MIN;
    series->pending = calloc(WEIR_COUNT_PENDING, sizeof *series->pending);
    return series->pending ? 0 : WEIR_ENOMEM;
}

void weir_count_series_free(struct weir_count_series *series)
{
    free(series->pending);
    series->pending = NULL;
}

static int hour_of_week(double hours)
{
    double hour = fmod(floor(hours), WEIR_COUNT_WEEK);
    return (int)(hour < 0 ? hour + WEIR_COUNT_WEEK : hour);
}

// Records a window in one hour of the week: the hour of the day's mean times the day's factor, and
// from that, slowly, to what this very hour has shown. A day has many windows, so its factor is
// known after one of it; an hour of the week has few, and alone would need months.
static double rate_at(const struct weir_count_series *series, int hour, double per_hour)
{
    double hours[HOURS_A_DAY], hour_windows[HOURS_A_DAY], count = 0, windows = 0;
    memset(hours, 0, sizeof hours);
    memset(hour_windows, 0, sizeof hour_windows);
    for (int h = 0; h < WEIR_COUNT_WEEK; h++) {
        count += series->count[h];
        windows += series->windows[h];
        hours[h % HOURS_A_DAY] += series->count[h];
        hour_windows[h % HOURS_A_DAY] += series->windows[h];
    }
    if (!(windows > 0))
        return 0;
    double mean = count / windows, seen = 0, usual = 0;
    int day = hour / HOURS_A_DAY;
    for (int h = 0; h < HOURS_A_DAY; h++) {
        hours[h] = (hours[h] + per_hour * mean) / (hour_windows[h] + per_hour);
        seen += series->count[day * HOURS_A_DAY + h];
        usual += series->windows[day * HOURS_A_DAY + h] * hours[h];
    }
    double prior = PRIOR_DAYS * HOURS_A_DAY * per_hour * mean + 1e-9;
    double daily = hours[hour % HOURS_A_DAY] * (seen + prior) / (usual + prior);
    double cycles = PRIOR_CYCLES * per_hour;
    return (series->count[hour] + cycles * daily) / (series->windows[hour] + cycles);
}

static double season(const struct weir_count_series *series, const struct weir_count_rules *rules,
                     int64_t start)
{
    double per_hour = fmax(HOUR / (double)rules->step, 1.0 / 24);
    // Hours count from their middle to the next one's.
    double hours = ((double)start + (double)rules->step / 2) / HOUR - 0.5;
    double into = hours - floor(hours);
    return (1 - into) * rate_at(series, hour_of_week(hours), per_hour) +
           into * rate_at(series, hour_of_week(hours + 1), per_hour);
}

// The most that this hour of the day has had, in the mean, on any day of the week.
static double best_day(const struct weir_count_series *series, const struct weir_count_rules *rules,
                       int64_t start)
{
    int hour = hour_of_week(((double)start + (double)rules->step / 2) / HOUR) % HOURS_A_DAY;
    double best = 0;
    for (int h = hour; h < WEIR_COUNT_WEEK; h += HOURS_A_DAY)
        best = fmax(best, series->windows[h] > 0 ? series->count[h] / series->windows[h] : 0);
    return best;
}

static double clip(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

static double ratio(double count, double expected)
{
    return (count + 1) / (expected + 1);
}

static double level(const struct weir_count_series *series)
{
    return clip(ratio(series->level_count, series->level_expected), 0.5, 2);
}

static double expected_count(const struct weir_count_rules *rules,
                             const struct weir_count_series *series, int64_t start, double known)
{
    if (known < DAYS_OF_RHYTHM) // the last windows alone; nothing while there are none
        return series->local_expected > 3 ? series->local_count / series->local_expected : 0;
    double range = known < DAYS_OF_WEEK ? 2.5 : 1.25;
    return season(series, rules, start) * level(series) *
           clip(ratio(series->local_count, series->local_expected), 1 / range, range);
}

static double dispersion(const struct weir_count_series *series, double known, double expected)
{
    if (known < DAYS_OF_RHYTHM)
        return 0.3;
    double prior = PRIOR_WINDOWS * expected * expected + 1e-9;
    double phi = (series->excess + PRIOR_DISPERSION * prior) / (series->squares + prior);
    return fmax(phi, known < DAYS_OF_WEEK ? WEEK_DISPERSION : LEAST_DISPERSION);
}

// Windows that resemble the one before say less than so many independent ones: by what factor.
static double worth(const struct weir_count_series *series)
{
    double prior = PRIOR_WINDOWS / 9.0; // in units of (3 sd)^2
    double correlation = (series->products + PRIOR_CORRELATION * prior) / (series->powers + prior);
    correlation = clip(correlation, 0, 0.95);
    return (1 - correlation) / (1 + correlation);
}

// Log likelihood ratio of a count for `left` of the expected against all of it.
static double evidence(double count, double expected, double left, double phi)
{
    double size = 1 / phi, less = left * expected;
    return count * (log(less / (less + size)) - log(expected / (expected + size))) -
           size * (log(less + size) - log(expected + size));
}

// ---- learning

static void discount(double *a, double *b, double factor)
{
    *a *= factor;
    *b *= factor;
}

static void learn(const struct weir_count_rules *rules, struct weir_count_series *series,
                  const struct weir_count_pending *window)
{
    double step = (double)rules->step, known = (double)(window->start - series->first) / DAY;
    double rate = season(series, rules, window->start);
    int hour = hour_of_week(((double)window->start + step / 2) / HOUR);
    // An hour of the week comes once a week: half of it is left after three.
    double keep = pow(0.5, step / HOUR / 3);
    discount(&series->count[hour], &series->windows[hour], known < DAYS_OF_WEEK ? 1 : keep);
    series->count[hour] += window->count;
    series->windows[hour] += 1;
    if (known < DAYS_OF_RHYTHM)
        return;
    discount(&series->level_count, &series->level_expected, pow(0.5, step / DAY));
    series->level_count += window->count;
    series->level_expected += rate;
    if (window->expected > LEAST_EXPECTED) {
        double off = window->count - window->expected,
               most = 3 * sqrt(PRIOR_DISPERSION) * window->expected + 3 * sqrt(window->expected);
        off = clip(off, -most, most); // one wild window must not widen the limits for a week
        double keep_week = pow(0.5, step / DAY / 7);
        discount(&series->excess, &series->squares, keep_week);
        series->excess += off * off - window->expected;
        series->squares += window->expected * window->expected;
        double relative = off / most;
        discount(&series->products, &series->powers, keep_week);
        series->products += relative * series->last;
        series->powers += relative * relative;
        series->last = relative;
    }
}

// Learns pending windows that began `learn_delay` before `start`; all while it has no rhythm yet.
static void learn_pending(const struct weir_count_rules *rules, struct weir_count_series *series,
                          int64_t start)
{
    while (series->n_pending) {
        const struct weir_count_pending *window = &series->pending[series->next_pending];
        if (window->start + rules->learn_delay > start && series->n_pending < WEIR_COUNT_PENDING)
            return;
        if (!window->suspect)
            learn(rules, series, window);
        series->next_pending = (series->next_pending + 1) % WEIR_COUNT_PENDING;
        series->n_pending--;
    }
}

static void add_pending(struct weir_count_series *series, const struct weir_count_pending *window)
{
    uint32_t at = (series->next_pending + series->n_pending) % WEIR_COUNT_PENDING;
    series->pending[at] = *window;
    series->n_pending++;
}

// All that is pending belongs to the rules, and a window before it.
static void suspect_since(struct weir_count_series *series, int64_t since)
{
    for (uint32_t i = 0; i < series->n_pending; i++) {
        struct weir_count_pending *window =
            &series->pending[(series->next_pending + i) % WEIR_COUNT_PENDING];
        window->suspect |= window->start >= since;
    }
}

void weir_count_series_doubt(const struct weir_count_rules *rules, struct weir_count_series *series,
                             int64_t since)
{
    // It began before it was found.
    suspect_since(series, since - rules->learn_delay / 2);
}

// The loss has lasted so long that it is the new normal: the level follows.
static void adopt(struct weir_count_series *series, double left)
{
    for (int h = 0; h < WEIR_COUNT_WEEK; h++)
        series->count[h] *= left;
    series->level_count = series->level_expected = 0;
    series->local_count = series->local_expected = 0;
    series->excess = series->squares = 0;
    memset(series->sums, 0, sizeof series->sums);
    series->alarm_since = INT64_MIN;
}

// ---- deciding

static void update_sums(const struct weir_count_rules *rules, struct weir_count_series *series,
                        double count, double expected, double phi, double each, double threshold,
                        int only_nothing)
{
    for (size_t k = 0; k < series->n_sums; k++) {
        struct weir_count_sum *sum = &series->sums[k];
        if (only_nothing && k != NOTHING)
            continue;
        // No noise that lingers takes nearly everything: silence counts in full.
        double score = sum->score +
                       evidence(count, expected, rules->shares[k], phi) * (k == NOTHING ? 1 : each);
        if (!(score > 0)) {
            memset(sum, 0, sizeof *sum);
            continue;
        }
        sum->score = fmin(score, threshold + CAP);
        sum->seen += count;
        sum->expected += expected;
    }
}

static void decide(const struct weir_count_rules *rules, const struct weir_count_series *series,
                   double threshold, struct weir_count_decision *decision)
{
    // What has opened stays open a little below, or it would come and go.
    double least = series->alarm_since == INT64_MIN ? threshold : HOLD * threshold;
    for (size_t k = 0; k < series->n_sums; k++) {
        const struct weir_count_sum *sum = &series->sums[k];
        double missing = sum->expected - sum->seen;
        double change = rules->shares[k] > 1 ? -missing : missing;
        if (sum->score < least || sum->score <= decision->score || change < rules->records ||
            change < rules->depth * sum->expected)
            continue;
        decision->found = 1;
        decision->score = sum->score;
        decision->missing = missing;
        decision->left = sum->seen / sum->expected;
    }
}

void weir_count_series_step(const struct weir_count_rules *rules, struct weir_count_series *series,
                            int64_t start, double count, double series_count,
                            struct weir_count_decision *decision)
{
    double known = (double)(start - series->first) / DAY;
    double windows = 30 * DAY / (double)rules->step;
    memset(decision, 0, sizeof *decision);
    learn_pending(rules, series, start);
    if (known >= DAYS_OF_RHYTHM && !series->has_rhythm) {
        // The last windows' level was of their counts, and is of the season from now on.
        series->has_rhythm = 1;
        series->local_count = series->local_expected = 0;
    }
    double expected = expected_count(rules, series, start, known);
    decision->expected = expected;
    if (series->has_rhythm) {
        decision->season = season(series, rules, start) * level(series);
        decision->most = known < DAYS_OF_WEEK ? best_day(series, rules, start) : 0;
    }
    decision->threshold =
        log(fmax(series_count, 1) * (double)series->n_sums * windows / rules->alarms);
    if (expected >= LEAST_EXPECTED) {
        update_sums(rules, series, count, expected, dispersion(series, known, expected),
                    worth(series), decision->threshold, known < DAYS_OF_RHYTHM);
        decide(rules, series, decision->threshold, decision);
    }
    struct weir_count_pending window = {start, count, expected, decision->found};
    add_pending(series, &window);
    if (decision->found) {
        if (series->alarm_since == INT64_MIN)
            series->alarm_since = start;
        weir_count_series_doubt(rules, series, series->alarm_since);
        decision->since = series->alarm_since;
        if (start - series->alarm_since >= rules->adopt)
            adopt(series, fmax(decision->left, 0.01));
        return;
    }
    series->alarm_since = INT64_MIN;
    // The last windows' own level.
    discount(&series->local_count, &series->local_expected, pow(0.5, 1.0 / 6));
    series->local_count += count;
    // Over the level, or what both have seen would count twice.
    series->local_expected += series->has_rhythm ? season(series, rules, start) * level(series) : 1;
}

// ---- bytes

void weir_count_series_save(const struct weir_count_series *series, struct weir_buffer *out)
{
    const double *const doubles[] = {
        &series->level_count,    &series->level_expected, &series->local_count,
        &series->local_expected, &series->excess,         &series->squares,
        &series->products,       &series->powers,         &series->last};
    weir_put_fixed64(out, series->hash);
    weir_put_long(out, series->first);
    weir_put_long(out, series->alarm_since);
    weir_put_long(out, series->has_rhythm);
    for (int h = 0; h < WEIR_COUNT_WEEK; h++) {
        weir_put_double(out, series->count[h]);
        weir_put_double(out, series->windows[h]);
    }
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++)
        weir_put_double(out, *doubles[i]);
    for (size_t k = 0; k < series->n_sums; k++) {
        weir_put_double(out, series->sums[k].score);
        weir_put_double(out, series->sums[k].seen);
        weir_put_double(out, series->sums[k].expected);
    }
    weir_put_long(out, series->n_pending);
    for (uint32_t i = 0; i < series->n_pending; i++) {
        const struct weir_count_pending *window =
            &series->pending[(series->next_pending + i) % WEIR_COUNT_PENDING];
        weir_put_long(out, window->start);
        weir_put_double(out, window->count);
        weir_put_double(out, window->expected);
        weir_put_long(out, window->suspect);
    }
}

static double get_finite(struct weir_reader *in)
{
    double value = weir_get_double(in);
    if (!isfinite(value) || fabs(value) > 1e300) {
        in->failed = 1;
        return 0;
    }
    return value;
}

int weir_count_series_restore(struct weir_count_series *series, struct weir_reader *in)
{
    double *const doubles[] = {
        &series->level_count,    &series->level_expected, &series->local_count,
        &series->local_expected, &series->excess,         &series->squares,
        &series->products,       &series->powers,         &series->last};
    series->hash = weir_get_fixed64(in);
    series->first = weir_get_long(in);
    series->alarm_since = weir_get_long(in);
    series->has_rhythm = (int)weir_get_count(in, 1);
    for (int h = 0; h < WEIR_COUNT_WEEK; h++) {
        series->count[h] = get_finite(in);
        series->windows[h] = get_finite(in);
    }
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++)
        *doubles[i] = get_finite(in);
    for (size_t k = 0; k < series->n_sums; k++) {
        series->sums[k].score = get_finite(in);
        series->sums[k].seen = get_finite(in);
        series->sums[k].expected = get_finite(in);
    }
    size_t n = weir_get_count(in, WEIR_COUNT_PENDING);
    for (size_t i = 0; i < n && !in->failed; i++) {
        struct weir_count_pending window = {.start = weir_get_long(in)};
        window.count = get_finite(in);
        window.expected = get_finite(in);
        window.suspect = (int)weir_get_count(in, 1);
        add_pending(series, &window);
    }
    return in->failed ? WEIR_ECORRUPT : 0;
}
