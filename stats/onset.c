// SPDX-License-Identifier: Apache-2.0
#include "stats/onset.h"

#include <math.h>
#include <stdlib.h>

#include "stats/onset_inside.h"
#include "stats/onset_line.h"
#include "weir/error.h"

static const double NEARLY = 6; // 2 ln of the likelihood ratio
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
    double all = 0;
    for (size_t i = 0; i < series->cells; i++)
        seen[i] = expected[i] = 0;
    for (size_t w = series->n; w-- > 0;) {
        double n = weir_onset_sum(series, w, seen, expected), sum = 0;
        for (size_t i = 0; i < series->cells; i++) {
            if (seen[i] > 0)
                sum += seen[i] * log(seen[i] / fmax(expected[i], 0.5));
        }
        all += n;
        // About what the likelihood of two samples would be.
        double known = series->worth > 0 ? series->worth / (series->worth + all) : 1;
        out[w] = sum * known / fmax(series->dispersion, 1);
    }
}

// How far each window has gone in the direction in which those from `at` on went, and how exactly
// its values say so.
static void project(const struct weir_onset_series *series, size_t at, double *direction,
                    double *expected, double *out, double *weight)
{
    for (size_t i = 0; i < series->cells; i++)
        direction[i] = expected[i] = 0;
    for (size_t w = at; w < series->n; w++)
        weir_onset_sum(series, w, direction, expected);
    for (size_t i = 0; i < series->cells; i++)
        direction[i] = log((direction[i] + 0.5) / (expected[i] + 0.5));
    for (size_t w = 0; w < series->n; w++) {
        const uint64_t *count = series->count + w * series->cells;
        double n = total_of(count, series->cells);
        double mean = 0, square = 0, usual = 0;
        for (size_t i = 0; i < series->cells; i++) {
            // With a value of what was expected, or a window of a few would seem exact.
            double share = series->share[w * series->cells + i];
            double seen = ((double)count[i] + share) / (n + 1);
            mean += seen * direction[i];
            square += seen * direction[i] * direction[i];
            usual += share * direction[i];
        }
        out[w] = mean - usual;
        double variance = fmax(square - mean * mean, 1e-12) * fmax(series->dispersion, 1);
        weight[w] = (n + 1) / variance;
    }
}

static void find_point(const double *likely, size_t n, double nearly, struct weir_onset *found)
{
    for (size_t w = 0; w < n; w++)
        found->at = likely[w] > likely[found->at] ? w : found->at;
    found->first = found->last = found->at;
    for (size_t w = 0; w < n; w++) {
        if (2 * (likely[found->at] - likely[w]) >= nearly)
            continue;
        found->first = w < found->first ? w : found->first;
        found->last = w > found->last ? w : found->last;
    }
    found->begins = (double)found->at;
    found->earliest = (double)found->first;
    found->latest = (double)found->last + 1;
}

// Whether it took several windows; then since when, as far as that can be told.
static int find_ramp(const struct weir_onset_series *series, double nearly, double *room, double *y,
                     double *weight, struct weir_onset *found, int *ramp)
{
    struct weir_onset_line line = {.y = y, .weight = weight, .n = series->n, .nearly = nearly};
    struct weir_onset_fit fit = {.is_ramp = 0};
    project(series, found->at, room, room + series->cells, y, weight);
    int code = weir_onset_fit(&line, &fit);
    *ramp = !code && fit.is_ramp;
    if (code == WEIR_ENOMEM || !*ramp)
        return code == WEIR_ENOMEM ? code : 0;
    // It begins before it can be seen.
    found->begins = fmin(fit.begins, (double)found->at);
    found->earliest = fit.earliest;
    found->latest = fmax(fit.latest, found->begins);
    found->at = (size_t)found->begins;
    found->first = (size_t)found->earliest;
    found->last = (size_t)fmin(found->latest, (double)series->n - 1);
    return 0;
}

int weir_onset_find(const struct weir_onset_series *series, struct weir_onset *onset)
{
    size_t n = series->n, cells = series->cells;
    double nearly = series->nearly > 0 ? series->nearly : NEARLY, values = 0;
    double *room = malloc((3 * cells + 3 * n + 3) * sizeof *room);
    if (!room)
        return WEIR_ENOMEM;
    double *ratio = room + 2 * cells, *likely = ratio + cells, *y = likely + n + 1;
    for (size_t w = 0; w < n; w++)
        values += total_of(series->count + w * cells, cells);
    if (!(values > 0) || !cells) {
        free(room);
        return WEIR_EINVAL;
    }
    likelihoods(series, room, room + cells, likely);
    struct weir_onset found = {.at = 0};
    find_point(likely, n, nearly, &found);
    int ramp = 0, code = 0;
    if (n - found.at >= RAMP_FROM)
        code = find_ramp(series, nearly, room, y, y + n + 1, &found, &ramp);
    if (!code && ramp)
        found.kind = weir_onset_way(series, found.at, room, ratio);
    else if (!code)
        weir_onset_sharpen(series, nearly, room, ratio, likely, &found);
    free(room);
    if (!code)
        *onset = found;
    return code;
}
