// SPDX-License-Identifier: Apache-2.0
// One number as a function of the other: by a factor, an offset, both, or a logarithm.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/skew/cause_inside.h"
#include "stats/sort.h"

enum { LEAST = 5 };
static const double NOISE = 1e-6, LITTLE = .02, QUARTER = 900000; // ms

struct points {
    double x[SKEW_SAMPLES], y[SKEW_SAMPLES]; // offline, served
    double scratch[SKEW_SAMPLES * 2];
    size_t n, all;
    double grain; // half a unit in the last decimal that the served values have, 0: they have many
    int times;    // both sides are texts of times
};

static void collect(const struct skew_field_tally *field, struct points *points)
{
    int decimals = 0;
    points->n = 0;
    points->all = field->n_samples;
    points->times = 0;
    for (size_t i = 0; i < field->n_samples; i++) {
        const struct skew_sample *sample = &field->samples[i];
        double x = skew_value_number(&sample->offline), y = skew_value_number(&sample->served);
        if (sample->verdict != SKEW_DIFFERS || !isfinite(x) || !isfinite(y) ||
            sample->served.tag == SKEW_BOOLEAN || sample->offline.tag == SKEW_BOOLEAN)
            continue;
        points->x[points->n] = x;
        points->y[points->n++] = y;
        points->times +=
            sample->served.tag == SKEW_TEXT_TIME && sample->offline.tag == SKEW_TEXT_TIME;
        int of = skew_decimals(y);
        decimals = of > decimals ? of : decimals;
    }
    points->times = points->times == (int)points->n;
    points->grain = decimals <= 6 ? .5001 * pow(10, -decimals) : 0;
}

// Whether what is left of a point is noise: next to nothing of its size, and of the difference that
// is to be explained.
static int is_rest(const struct points *points, size_t i, double rest, double size)
{
    double difference = LITTLE * fabs(points->y[i] - points->x[i]);
    double noise = NOISE * size + points->grain;
    return fabs(rest) <= (noise < difference ? noise : difference);
}

// How many points the map explains.
static size_t count_fit(const struct points *points, double a, double b)
{
    size_t n = 0;
    for (size_t i = 0; i < points->n; i++) {
        double ax = a * points->x[i];
        n += (size_t)is_rest(points, i, points->y[i] - ax - b, fabs(ax) + fabs(b));
    }
    return n;
}

// The centre of the closest quarter of the values: where most of them are, if they agree.
static double densest(double *values, size_t n)
{
    weir_sort_doubles(values, n);
    size_t span = n / 4 > 1 ? n / 4 : 1, best = 0;
    for (size_t i = 0; i + span < n; i++) {
        double width = values[i + span] - values[i];
        double scale = fabs(values[i + span]) + fabs(values[i]) + 1e-300;
        double least = values[best + span] - values[best];
        double least_scale = fabs(values[best + span]) + fabs(values[best]) + 1e-300;
        if (width / scale < least / least_scale)
            best = i;
    }
    return values[best + span / 2];
}

static size_t distinct(const double *values, size_t n, double *scratch)
{
    size_t found = 0;
    memcpy(scratch, values, n * sizeof *values);
    weir_sort_doubles(scratch, n);
    for (size_t i = 0; i < n; i++)
        found += i == 0 || scratch[i] != scratch[i - 1];
    return found;
}

static void offer(const struct points *points, size_t fits, struct skew_cause *cause,
                  struct skew_cause *best)
{
    // A map with two parameters goes through any two points; more are asked for.
    if (fits < LEAST)
        return;
    cause->share = (double)fits / (double)points->all;
    // The simpler one stays where it explains nearly as much.
    skew_keep_better(best, cause, .05);
}

// The largest of the points that fit tell a factor best; a whole number is likelier than one that
// is next to it.
static double refine(const struct points *points, double a)
{
    double largest = 0, better = a;
    for (size_t i = 0; i < points->n; i++) {
        double x = points->x[i];
        if (fabs(x) > largest && fabs(points->y[i] / x - a) <= 1e-2 * fabs(a)) {
            largest = fabs(x);
            better = points->y[i] / x;
        }
    }
    double whole = fabs(better) >= 1 ? rint(better) : 1 / rint(1 / better);
    double tried[] = {whole, better, a};
    size_t fits[3], best = 0;
    for (size_t i = 0; i < 3; i++) {
        fits[i] = count_fit(points, tried[i], 0);
        best = fits[i] > fits[best] ? i : best;
    }
    return tried[best];
}

static void try_scale(struct points *points, struct skew_cause *best)
{
    double *ratios = points->scratch;
    size_t n = 0;
    for (size_t i = 0; i < points->n; i++) {
        if (points->x[i] != 0 && points->y[i] != 0)
            ratios[n++] = points->y[i] / points->x[i];
    }
    if (n < LEAST)
        return;
    struct skew_cause cause = {.kind = SKEW_SCALE, .a = refine(points, densest(ratios, n))};
    if (fabs(cause.a - 1) < 1e-3)
        return; // large numbers that are a little apart
    offer(points, count_fit(points, cause.a, 0), &cause, best);
}

// Steps of a quarter of an hour in the unit that numbers of such a size have as times.
static int64_t as_zone(const struct points *points, double b)
{
    double size = fabs(points->x[points->n / 2]);
    double unit = points->times ? 1 // ms
                  : size > 1e17 ? 1e-6
                  : size > 1e14 ? 1e-3
                  : size > 1e11 ? 1
                  : size > 1e8  ? 1e3
                                : 0;
    double quarters = b * unit / QUARTER;
    int whole = unit > 0 && fabs(quarters) > .5 && fabs(quarters) <= 56.5 &&
                fabs(quarters - rint(quarters)) < 1e-3;
    return whole ? (int64_t)(rint(quarters) * QUARTER) : 0;
}

static void try_offset(struct points *points, struct skew_cause *best)
{
    double *differences = points->scratch;
    for (size_t i = 0; i < points->n; i++)
        differences[i] = points->y[i] - points->x[i];
    struct skew_cause cause = {.kind = SKEW_OFFSET, .a = 1, .b = densest(differences, points->n)};
    cause.lag = as_zone(points, cause.b);
    if (cause.lag)
        cause.kind = SKEW_ZONE;
    size_t fits = 0;
    for (size_t i = 0; i < points->n; i++)
        fits += (size_t)is_rest(points, i, points->y[i] - points->x[i] - cause.b, fabs(cause.b));
    offer(points, fits, &cause, best);
}

static void try_affine(struct points *points, struct skew_cause *best)
{
    double *slopes = points->scratch;
    size_t n = 0, half = points->n / 2;
    for (size_t i = 0; i < points->n; i++) {
        size_t k = (i + half) % points->n;
        if (points->x[i] != points->x[k] && n < SKEW_SAMPLES)
            slopes[n++] = (points->y[i] - points->y[k]) / (points->x[i] - points->x[k]);
    }
    if (n < LEAST)
        return;
    double a = densest(slopes, n);
    for (size_t i = 0; i < points->n; i++)
        slopes[i] = points->y[i] - a * points->x[i];
    struct skew_cause cause = {.kind = SKEW_AFFINE, .a = a, .b = densest(slopes, points->n)};
    if (a == 0 || !isfinite(a))
        return;
    offer(points, count_fit(points, a, cause.b), &cause, best);
}

static double take_log(size_t which, double x)
{
    return which == 0 ? log(x) : which == 1 ? log1p(x) : which == 2 ? log10(x) : log2(x);
}

static void try_logarithms(const struct points *points, struct skew_cause *best)
{
    static const char *const what[] = {"ln(x)", "ln(1 + x)", "log10(x)", "log2(x)"};
    for (size_t k = 0; k < 8; k++) {
        size_t fits = 0, which = k % 4;
        for (size_t i = 0; i < points->n; i++) {
            double from = k < 4 ? points->x[i] : points->y[i];
            double to = k < 4 ? points->y[i] : points->x[i];
            double rest = fabs(take_log(which, from) - to);
            fits += rest <= NOISE * (1 + fabs(to)) + (k < 4 ? points->grain : 0);
        }
        struct skew_cause cause = {
            .kind = SKEW_LOGARITHM, .detail = what[which], .inverse = k >= 4};
        offer(points, fits, &cause, best);
    }
}

int skew_try_maps(const struct skew_field_tally *field, struct skew_cause *best)
{
    struct points *points = malloc(sizeof *points);
    if (!points)
        return WEIR_ENOMEM;
    collect(field, points);
    // Few values fit too many maps: what is one to one is told as such.
    if (points->n >= LEAST && distinct(points->x, points->n, points->scratch) >= LEAST &&
        distinct(points->y, points->n, points->scratch) >= LEAST) {
        if (!points->times)
            try_scale(points, best);
        try_offset(points, best);
        if (!points->times)
            try_logarithms(points, best);
        if (!points->times)
            try_affine(points, best);
    }
    free(points);
    return 0;
}
