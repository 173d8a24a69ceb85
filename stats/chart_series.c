// SPDX-License-Identifier: Apache-2.0
#include "stats/chart_series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/sort.h"
#include "stats/special.h"

// What is learnt is held within so many robust sd of its median; is to stay within this share of
// the threshold; and by which steps its sd is raised until it does.
static const double OUTLYING = 4, WITHIN = 0.75, WIDER = 1.1;
enum { STEPS = 400, LEARN_MOST = 5000, LAGS = 8 };
static const double CUSUM_SHIFT = 0.5, EWMA_WEIGHT = 0.1;
static const double FARTHEST = 40; // ln of a ratio, normal score of a p-value
static const double SD_OF_FLOOR = 0.25;
// So that no sum ever leaves the finite numbers.
static const double MOST_VALUE = 1e290, MOST_SD = 1e9;

// ---- options

static double least_sd(enum weir_statistic_id statistic)
{
    const struct weir_statistic_info *info = weir_statistic_info(statistic);
    switch (info->direction) {
    case WEIR_CHANGE_P_ONLY: // normal scores, of windows that are alike, have one
        return 1;
    case WEIR_CHANGE_RATIO:
        return info->floor > 1 ? SD_OF_FLOOR * log(info->floor) : 0;
    default:
        return SD_OF_FLOOR * info->floor;
    }
}

struct weir_chart_options weir_chart_options_of(const struct weir_statistic_rule *rule,
                                                size_t learn, double windows)
{
    const struct weir_chart_parameters *given = &rule->parameters;
    enum weir_statistic_direction direction = weir_statistic_info(rule->statistic)->direction;
    struct weir_chart_options o = {.kind = rule->chart, .hold = 1};
    o.learn = given->learn > 0 ? (size_t)given->learn : learn;
    o.learn = o.learn < 2 ? 2 : o.learn > LEARN_MOST ? LEARN_MOST : o.learn;
    // Three standard errors of the mean: of many charts one is that far off.
    double slack = fmax(weir_cusum_slack(CUSUM_SHIFT, 0), 3 / sqrt((double)o.learn));
    o.slack = given->slack > 0 ? given->slack : slack;
    o.weight = given->weight > 0 ? given->weight : EWMA_WEIGHT;
    o.delta = given->delta > 0 ? given->delta : slack;
    o.alpha = given->alpha > 0 ? given->alpha : weir_page_hinkley_defaults.alpha;
    o.least = given->minimum > 0 ? (size_t)given->minimum : weir_page_hinkley_defaults.least;
    o.least_sd = least_sd(rule->statistic);
    o.up_only = direction == WEIR_CHANGE_LARGER || direction == WEIR_CHANGE_P_ONLY;
    // What is learnt is never exact; a mean that starts anew still less.
    windows = fmax(windows, 100) * (rule->chart == WEIR_CHART_OF_PAGE_HINKLEY ? 10 : 3);
    if (rule->set)
        o.threshold = rule->threshold;
    else if (rule->chart == WEIR_CHART_OF_EWMA)
        o.threshold = weir_normal_upper_quantile(0.5 / windows);
    else
        o.threshold =
            weir_cusum_threshold(rule->chart == WEIR_CHART_OF_CUSUM ? o.slack : o.delta, windows);
    return o;
}

// ---- what is charted

double weir_chart_value(enum weir_statistic_id statistic, double value, double p_value,
                        double reference)
{
    switch (weir_statistic_info(statistic)->direction) {
    case WEIR_CHANGE_RATIO:
        return isnan(value) ? NAN : fmin(fmax(log(fmax(value, 0)), -FARTHEST), FARTHEST);
    case WEIR_CHANGE_RATE:
        return value - reference;
    case WEIR_CHANGE_P_ONLY:
        if (!(p_value >= 0 && p_value <= 1))
            return NAN;
        return fmin(fmax(weir_normal_upper_quantile(fmax(p_value, 1e-300)), -FARTHEST), FARTHEST);
    default:
        return value;
    }
}

double weir_chart_shown(enum weir_statistic_id statistic, double charted, double reference)
{
    switch (weir_statistic_info(statistic)->direction) {
    case WEIR_CHANGE_RATIO:
        return exp(charted);
    case WEIR_CHANGE_RATE:
        return charted + reference;
    case WEIR_CHANGE_P_ONLY:
        return weir_normal_sf(charted);
    default:
        return charted;
    }
}

// ---- one value

static struct weir_page_hinkley_options hinkley_of(const struct weir_chart_options *o)
{
    return (struct weir_page_hinkley_options){o->least, o->delta, o->threshold, o->alpha};
}

static enum weir_chart_side chart(struct weir_chart_series *s, const struct weir_chart_options *o,
                                  double z)
{
    enum weir_chart_side side;
    if (o->kind == WEIR_CHART_OF_CUSUM) {
        struct weir_cusum_options options = {0, 1, o->slack, o->threshold};
        side = weir_cusum_add(&s->chart.cusum, &options, z);
        s->chart.cusum.up = fmin(s->chart.cusum.up, 2 * o->threshold);
        s->chart.cusum.down = o->up_only ? 0 : fmin(s->chart.cusum.down, 2 * o->threshold);
    } else if (o->kind == WEIR_CHART_OF_EWMA) {
        struct weir_ewma_options options = {0, 1, o->weight, o->threshold, (double)o->learn};
        side = weir_ewma_add(&s->chart.ewma, &options, z);
    } else {
        struct weir_page_hinkley_options options = hinkley_of(o);
        side = weir_page_hinkley_add(&s->chart.page_hinkley, &options, z);
    }
    return side == WEIR_CHART_DOWN && o->up_only ? WEIR_CHART_QUIET : side;
}

double weir_chart_series_score(const struct weir_chart_series *s,
                               const struct weir_chart_options *o, enum weir_chart_side side)
{
    int up = side != WEIR_CHART_DOWN;
    if (!(s->sd > 0))
        return 0;
    if (o->kind == WEIR_CHART_OF_CUSUM)
        return up ? s->chart.cusum.up : s->chart.cusum.down;
    if (o->kind == WEIR_CHART_OF_PAGE_HINKLEY)
        return up ? s->chart.page_hinkley.rise - s->chart.page_hinkley.rise_least
                  : s->chart.page_hinkley.fall_most - s->chart.page_hinkley.fall;
    struct weir_ewma_options options = {0, 1, o->weight, o->threshold, (double)o->learn};
    double score = weir_ewma_score(&s->chart.ewma, &options);
    return up ? fmax(score, 0) : fmax(-score, 0);
}

static void follow(struct weir_chart_run *run, double score, double x, int64_t time)
{
    if (!(score > 0)) {
        *run = (struct weir_chart_run){0};
        return;
    }
    if (!run->n)
        run->since = time;
    run->n += run->n < UINT32_MAX;
    run->sum += x;
}

// ---- learning

static double median_of_sorted(const double *x, size_t n)
{
    return 0.5 * x[(n - 1) / 2] + 0.5 * x[n / 2];
}

// Brings what lies far out nearer. WEIR_ENOMEM.
static int winsorise(double *x, size_t n)
{
    double *sorted = malloc(n * sizeof *sorted);
    if (!sorted)
        return WEIR_ENOMEM;
    memcpy(sorted, x, n * sizeof *x);
    weir_sort_doubles(sorted, n);
    double median = median_of_sorted(sorted, n);
    for (size_t i = 0; i < n; i++)
        sorted[i] = fabs(x[i] - median);
    weir_sort_doubles(sorted, n);
    double reach = OUTLYING * 1.4826 * median_of_sorted(sorted, n);
    free(sorted);
    for (size_t i = 0; i < n && reach > 0; i++)
        x[i] = fmin(fmax(x[i], median - reach), median + reach);
    return 0;
}

// Whether the values learnt would stay well within the threshold. Page-Hinkley goes on from them.
static int stays_within(struct weir_chart_series *s, const struct weir_chart_options *o)
{
    struct weir_chart_options narrow = *o;
    int within = 1;
    narrow.threshold *= WITHIN;
    memset(&s->chart, 0, sizeof s->chart);
    for (size_t i = 0; i < s->n_learning; i++)
        within &= chart(s, &narrow, (s->learning[i] - s->mean) / s->sd) == WEIR_CHART_QUIET;
    if (o->kind != WEIR_CHART_OF_PAGE_HINKLEY)
        memset(&s->chart, 0, sizeof s->chart);
    return within;
}

// How much more sums of values vary than they would were each drawn anew: what a field with a
// memory does to every chart. By autocovariances with Bartlett's weights; at least 1.
static double memory_of(const double *x, size_t n, double mean)
{
    size_t lags = n / LAGS;
    double variance = 0, sum = 0;
    for (size_t i = 0; i < n; i++)
        variance += (x[i] - mean) * (x[i] - mean);
    for (size_t lag = 1; lag < lags; lag++) {
        double products = 0;
        for (size_t i = lag; i < n; i++)
            products += (x[i] - mean) * (x[i - lag] - mean);
        sum += (1 - (double)lag / (double)lags) * products;
    }
    // Taking off the mean of the same values hides some of it.
    double shown = 1 - 2 * (double)lags / (double)n;
    double ratio = variance > 0 ? 1 + 2 * sum / variance / shown : 1;
    return ratio > 1 ? sqrt(ratio) : 1;
}

static void standardise(struct weir_chart_series *s, const struct weir_chart_options *o)
{
    double mean = 0, squares = 0, n = (double)s->n_learning;
    for (size_t i = 0; i < s->n_learning; i++)
        mean += s->learning[i] / n;
    for (size_t i = 0; i < s->n_learning; i++)
        squares += (s->learning[i] - mean) * (s->learning[i] - mean) / (n - 1);
    s->mean = mean;
    s->sd = fmax(sqrt(squares) * memory_of(s->learning, s->n_learning, mean), o->least_sd);
    if (!(s->sd > 1e-9 * fabs(mean)) || !isfinite(s->sd)) {
        // It does not vary: nothing says how much would be much. It goes on learning.
        size_t half = s->n_learning / 2;
        memmove(s->learning, s->learning + s->n_learning - half, half * sizeof *s->learning);
        s->n_learning = half;
        s->mean = s->sd = 0;
        return;
    }
    for (int i = 0; i < STEPS && !stays_within(s, o); i++)
        s->sd *= WIDER;
    free(s->learning);
    s->learning = NULL;
    s->n_learning = 0;
}

static int learn(struct weir_chart_series *s, const struct weir_chart_options *o, double x)
{
    if (!s->learning && !(s->learning = malloc(o->learn * sizeof *s->learning)))
        return WEIR_ENOMEM;
    s->learning[s->n_learning++] = x;
    if (s->n_learning < o->learn)
        return 0;
    int code = winsorise(s->learning, s->n_learning);
    if (code)
        s->n_learning--;
    else
        standardise(s, o);
    return code;
}

int weir_chart_series_add(struct weir_chart_series *s, const struct weir_chart_options *o, double x,
                          int64_t time, enum weir_chart_side *side)
{
    *side = WEIR_CHART_QUIET;
    if (!isfinite(x))
        return 0;
    x = fmin(fmax(x, -MOST_VALUE), MOST_VALUE);
    if (!(s->sd > 0))
        return learn(s, o, x);
    double z = fmin(fmax((x - s->mean) / s->sd, -MOST_SD), MOST_SD);
    if (s->held >= o->hold) {
        memset(&s->chart, 0, sizeof s->chart);
        s->up = s->down = (struct weir_chart_run){0};
        s->held = 0;
    }
    *side = chart(s, o, z);
    // An average is seldom at 0, but within its own sd of it as often as not.
    double nothing = o->kind == WEIR_CHART_OF_EWMA ? 1 : 0;
    follow(&s->up, weir_chart_series_score(s, o, WEIR_CHART_UP) - nothing, x, time);
    follow(&s->down, weir_chart_series_score(s, o, WEIR_CHART_DOWN) - nothing, x, time);
    s->held += o->kind == WEIR_CHART_OF_PAGE_HINKLEY && (*side || s->held);
    return 0;
}

void weir_chart_series_free(struct weir_chart_series *s)
{
    free(s->learning);
    *s = (struct weir_chart_series){0};
}

// ---- bytes

static void put_run(const struct weir_chart_run *run, struct weir_buffer *out)
{
    weir_put_long(out, run->since);
    weir_put_long(out, run->n);
    weir_put_double(out, run->sum);
}

static struct weir_chart_run get_run(struct weir_reader *in)
{
    struct weir_chart_run run = {.since = weir_get_long(in)};
    run.n = (uint32_t)weir_get_count(in, UINT32_MAX);
    run.sum = weir_get_double(in);
    if (!isfinite(run.sum))
        in->failed = 1;
    return run;
}

int weir_chart_series_write(const struct weir_chart_series *s, const struct weir_chart_options *o,
                            struct weir_buffer *out)
{
    int learns = !(s->sd > 0);
    weir_put_long(out, learns);
    if (learns) {
        weir_put_long(out, (int64_t)s->n_learning);
        for (size_t i = 0; i < s->n_learning; i++)
            weir_put_double(out, s->learning[i]);
        return out->failed ? WEIR_ENOMEM : 0;
    }
    weir_put_double(out, s->mean);
    weir_put_double(out, s->sd);
    if (o->kind == WEIR_CHART_OF_CUSUM)
        weir_cusum_write(&s->chart.cusum, out);
    else if (o->kind == WEIR_CHART_OF_EWMA)
        weir_ewma_write(&s->chart.ewma, out);
    else
        weir_page_hinkley_write(&s->chart.page_hinkley, out);
    put_run(&s->up, out);
    put_run(&s->down, out);
    weir_put_long(out, s->held);
    return out->failed ? WEIR_ENOMEM : 0;
}

static int read_learning(struct weir_chart_series *s, const struct weir_chart_options *o,
                         struct weir_reader *in)
{
    size_t n = weir_get_count(in, o->learn - 1);
    if (in->failed || n > weir_reader_left(in) / sizeof(double)) {
        in->failed = 1;
        return WEIR_ECORRUPT;
    }
    if (n && !(s->learning = malloc(o->learn * sizeof *s->learning)))
        return WEIR_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        s->learning[i] = weir_get_double(in);
        in->failed |= !isfinite(s->learning[i]);
    }
    s->n_learning = n;
    return 0;
}

int weir_chart_series_read(struct weir_chart_series *series, const struct weir_chart_options *o,
                           struct weir_reader *in)
{
    struct weir_chart_series s = {0};
    int code = 0;
    if (weir_get_count(in, 1) || in->failed) {
        code = in->failed ? 0 : read_learning(&s, o, in);
    } else {
        s.mean = weir_get_double(in);
        s.sd = weir_get_double(in);
        if (o->kind == WEIR_CHART_OF_CUSUM)
            weir_cusum_read(&s.chart.cusum, in);
        else if (o->kind == WEIR_CHART_OF_EWMA)
            weir_ewma_read(&s.chart.ewma, in);
        else
            weir_page_hinkley_read(&s.chart.page_hinkley, in);
        s.up = get_run(in);
        s.down = get_run(in);
        s.held = (uint32_t)weir_get_count(in, UINT32_MAX);
        if (!isfinite(s.mean) || !(s.sd > 0) || isinf(s.sd))
            in->failed = 1;
    }
    if (!code && in->failed)
        code = WEIR_ECORRUPT;
    if (code)
        weir_chart_series_free(&s);
    else
        *series = s;
    return code;
}
