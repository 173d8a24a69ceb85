// SPDX-License-Identifier: Apache-2.0
#include "stats/onset.h"

#include <math.h>
#include <stdlib.h>

#include "weir/error.h"

static const double NEARLY = 6; // 2 ln of the likelihood ratio
static const double CLEAR = 2;  // of ln(step's / ramp's squared error), times windows
enum { RAMP_FROM = 6 };         // windows since the onset

static double total_of(const uint64_t *count, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)count[i];
    return sum;
}

// ln likelihood ratio of a change that began with window `at`, for every `at`.
static void likelihoods(const struct weir_onset_series *series, double *seen, double *expected,
                        double *out)
{
    for (size_t i = 0; i < series->cells; i++)
        seen[i] = expected[i] = 0;
    for (size_t w = series->n; w-- > 0;) {
        const uint64_t *count = series->count + w * series->cells;
        const double *share = series->share + w * series->cells;
        double n = total_of(count, series->cells), sum = 0;
        for (size_t i = 0; i < series->cells; i++) {
            seen[i] += (double)count[i];
            expected[i] += n * share[i];
            if (seen[i] > 0)
                sum += seen[i] * log(seen[i] / fmax(expected[i], 0.5));
        }
        out[w] = sum / fmax(series->dispersion, 1);
    }
}

// How far each window has gone in the direction in which those from `at` on went.
static void project(const struct weir_onset_series *series, size_t at, double *direction,
                    double *expected, double *out)
{
    for (size_t i = 0; i < series->cells; i++)
        direction[i] = expected[i] = 0;
    for (size_t w = at; w < series->n; w++) {
        const uint64_t *count = series->count + w * series->cells;
        double n = total_of(count, series->cells);
        for (size_t i = 0; i < series->cells; i++) {
            direction[i] += (double)count[i];
            expected[i] += n * series->share[w * series->cells + i];
        }
    }
    for (size_t i = 0; i < series->cells; i++)
        direction[i] = log((direction[i] + 0.5) / (expected[i] + 0.5));
    for (size_t w = 0; w < series->n; w++) {
        const uint64_t *count = series->count + w * series->cells;
        double n = total_of(count, series->cells);
        out[w] = 0;
        for (size_t i = 0; i < series->cells && n > 0; i++)
            out[w] += ((double)count[i] / n - series->share[w * series->cells + i]) * direction[i];
    }
}

// The least squared error of zero before some window, and a step or a ramp from it on.
static double least_error(const double *y, size_t n, int ramp, size_t *from)
{
    double least = INFINITY;
    for (size_t at = 0; at < n; at++) {
        double xy = 0, xx = 0, yy = 0;
        for (size_t w = 0; w < n; w++) {
            double x = w < at ? 0 : ramp ? (double)(w - at + 1) : 1;
            xy += x * y[w];
            xx += x * x;
            yy += y[w] * y[w];
        }
        double error = yy - (xx > 0 ? xy * xy / xx : 0);
        if (error < least) {
            least = error;
            *from = at;
        }
    }
    return fmax(least, 1e-300);
}

int weir_onset_find(const struct weir_onset_series *series, struct weir_onset *onset)
{
    double *room = malloc((2 * series->cells + 2 * series->n + 1) * sizeof *room);
    double *likely = room + 2 * series->cells, *y = likely + series->n;
    if (!room)
        return WEIR_ENOMEM;
    double values = 0;
    for (size_t w = 0; w < series->n; w++)
        values += total_of(series->count + w * series->cells, series->cells);
    if (!(values > 0) || !series->cells) {
        free(room);
        return WEIR_EINVAL;
    }
    likelihoods(series, room, room + series->cells, likely);
    struct weir_onset found = {.at = 0};
    for (size_t w = 0; w < series->n; w++)
        found.at = likely[w] > likely[found.at] ? w : found.at;
    found.first = found.last = found.at;
    for (size_t w = 0; w < series->n; w++) {
        if (2 * (likely[found.at] - likely[w]) >= NEARLY)
            continue;
        found.first = w < found.first ? w : found.first;
        found.last = w > found.last ? w : found.last;
    }
    if (series->n - found.at >= RAMP_FROM) {
        size_t step_from = 0, ramp_from = 0;
        project(series, found.at, room, room + series->cells, y);
        double step = least_error(y, series->n, 0, &step_from);
        double ramp = least_error(y, series->n, 1, &ramp_from);
        found.gradual = (double)series->n * log(step / ramp) > CLEAR;
        // A ramp begins before it can be seen.
        if (found.gradual && ramp_from < found.first)
            found.first = ramp_from;
    }
    free(room);
    *onset = found;
    return 0;
}
