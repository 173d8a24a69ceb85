// SPDX-License-Identifier: Apache-2.0
#include "stats/charts.h"

#include <math.h>

// ---- CUSUM

enum weir_chart_side weir_cusum_add(struct weir_cusum *chart,
                                    const struct weir_cusum_options *options, double x)
{
    double z = (x - options->mean) / options->sd;
    if (isfinite(z)) {
        if (!(chart->up > 0))
            chart->up_from = chart->n;
        if (!(chart->down > 0))
            chart->down_from = chart->n;
        chart->up = fmax(chart->up + z - options->slack, 0);
        chart->down = fmax(chart->down - z - options->slack, 0);
    }
    chart->n++;
    if (chart->up > options->threshold && chart->up >= chart->down)
        return WEIR_CHART_UP;
    return chart->down > options->threshold ? WEIR_CHART_DOWN : WEIR_CHART_QUIET;
}

double weir_cusum_slack(double smallest_shift, double n)
{
    return fmax(0.5 * smallest_shift, n > 0 ? 2 / sqrt(n) : 0);
}

// Values to a false alarm on one side: Siegmund's corrected diffusion.
static double run_length(double slack, double threshold)
{
    double y = 2 * slack * (threshold + 1.166);
    return (expm1(y) - y) / (2 * slack * slack);
}

double weir_cusum_threshold(double slack, double values)
{
    if (!(slack > 0) || !isfinite(slack) || !(values > 2) || !isfinite(values))
        return NAN;
    double low = 0, high = 1, wanted = 2 * values; // two sides, each half as often
    while (run_length(slack, high) < wanted)
        high *= 2;
    for (int i = 0; i < 100; i++) {
        double middle = 0.5 * (low + high);
        if (run_length(slack, middle) < wanted)
            low = middle;
        else
            high = middle;
    }
    return high;
}

// ---- EWMA

enum weir_chart_side weir_ewma_add(struct weir_ewma *chart, const struct weir_ewma_options *options,
                                   double x)
{
    double z = (x - options->mean) / options->sd, rest = 1 - options->weight;
    if (isfinite(z)) {
        chart->average = rest * chart->average + options->weight * z;
        chart->decay = (chart->n ? chart->decay : 1) * rest * rest;
        chart->n++;
    }
    double score = weir_ewma_score(chart, options);
    return score > options->threshold    ? WEIR_CHART_UP
           : score < -options->threshold ? WEIR_CHART_DOWN
                                         : WEIR_CHART_QUIET;
}

double weir_ewma_score(const struct weir_ewma *chart, const struct weir_ewma_options *options)
{
    if (!chart->n)
        return 0;
    double weight = options->weight, variance = weight / (2 - weight) * (1 - chart->decay);
    // The mean's own error is in every value, with the weight that all of them have together.
    double share = 1 - sqrt(chart->decay);
    if (options->n > 0)
        variance += share * share / options->n;
    return variance > 0 ? chart->average / sqrt(variance) : 0;
}

// ---- Page-Hinkley

const struct weir_page_hinkley_options weir_page_hinkley_defaults = {30, 0.005, 50, 0.9999};

enum weir_chart_side weir_page_hinkley_add(struct weir_page_hinkley *chart,
                                           const struct weir_page_hinkley_options *options,
                                           double x)
{
    if (!isfinite(x) || !isfinite(x - chart->mean))
        return WEIR_CHART_QUIET;
    int first = !chart->n++;
    chart->mean += (x - chart->mean) / (double)chart->n;
    double gap = x - chart->mean;
    chart->rise = options->alpha * chart->rise + gap - options->delta;
    chart->fall = options->alpha * chart->fall + gap + options->delta;
    chart->rise_least = first ? chart->rise : fmin(chart->rise_least, chart->rise);
    chart->fall_most = first ? chart->fall : fmax(chart->fall_most, chart->fall);
    if (chart->n < options->least)
        return WEIR_CHART_QUIET;
    if (chart->rise - chart->rise_least > options->threshold)
        return WEIR_CHART_UP;
    return chart->fall_most - chart->fall > options->threshold ? WEIR_CHART_DOWN : WEIR_CHART_QUIET;
}

// ---- bytes

#define MOST ((size_t)1 << 53)

static int all_finite(const double *x, int n)
{
    for (int i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return 0;
    return 1;
}

int weir_cusum_write(const struct weir_cusum *chart, struct weir_buffer *out)
{
    weir_put_double(out, chart->up);
    weir_put_double(out, chart->down);
    weir_put_long(out, (int64_t)chart->n);
    weir_put_long(out, (int64_t)chart->up_from);
    weir_put_long(out, (int64_t)chart->down_from);
    return out->failed ? WEIR_ENOMEM : 0;
}

void weir_cusum_read(struct weir_cusum *chart, struct weir_reader *in)
{
    struct weir_cusum read = {.up = weir_get_double(in), .down = weir_get_double(in)};
    read.n = weir_get_count(in, MOST);
    read.up_from = weir_get_count(in, read.n);
    read.down_from = weir_get_count(in, read.n);
    if (!(read.up >= 0) || !(read.down >= 0) || isinf(read.up) || isinf(read.down))
        in->failed = 1;
    if (!in->failed)
        *chart = read;
}

int weir_ewma_write(const struct weir_ewma *chart, struct weir_buffer *out)
{
    weir_put_double(out, chart->average);
    weir_put_double(out, chart->decay);
    weir_put_long(out, (int64_t)chart->n);
    return out->failed ? WEIR_ENOMEM : 0;
}

void weir_ewma_read(struct weir_ewma *chart, struct weir_reader *in)
{
    struct weir_ewma read = {.average = weir_get_double(in), .decay = weir_get_double(in)};
    read.n = weir_get_count(in, MOST);
    if (!isfinite(read.average) || !(read.decay >= 0) || !(read.decay <= 1))
        in->failed = 1;
    if (!in->failed)
        *chart = read;
}

int weir_page_hinkley_write(const struct weir_page_hinkley *chart, struct weir_buffer *out)
{
    weir_put_double(out, chart->mean);
    weir_put_double(out, chart->rise);
    weir_put_double(out, chart->fall);
    weir_put_double(out, chart->rise_least);
    weir_put_double(out, chart->fall_most);
    weir_put_long(out, (int64_t)chart->n);
    return out->failed ? WEIR_ENOMEM : 0;
}

void weir_page_hinkley_read(struct weir_page_hinkley *chart, struct weir_reader *in)
{
    double x[5];
    for (int i = 0; i < 5; i++)
        x[i] = weir_get_double(in);
    uint64_t n = weir_get_count(in, MOST);
    if (!all_finite(x, 5))
        in->failed = 1;
    if (!in->failed)
        *chart = (struct weir_page_hinkley){x[0], x[1], x[2], x[3], x[4], n};
}
