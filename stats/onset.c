// SPDX-License-Identifier: Apache-2.0
#include "stats/onset.h"

#include <math.h>
#include <stdlib.h>

#include "stats/onset_inside.h"
#include "weir/error.h"

static const double NEARLY = 6;         // 2 ln of the likelihood ratio
static const double CLEAR = 4;          // of n ln(step's / ramp's squared error), beyond ln n
enum { RAMP_FROM = 6, RAMP_LEAST = 3 }; // windows since the onset, that a ramp takes

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

// How far each window has gone in the direction in which those from `at` on went.
static void project(const struct weir_onset_series *series, size_t at, double *direction,
                    double *expected, double *out)
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
        out[w] = 0;
        for (size_t i = 0; i < series->cells && n > 0; i++)
            out[w] += ((double)count[i] / n - series->share[w * series->cells + i]) * direction[i];
    }
}

// Sums of y and of w y over windows before each.
struct sums {
    double *of, *by;
    double square;
    size_t n;
};

// The squared error of zero before window `at`, a ramp over `length` windows, and its end after.
static double error_of(const struct sums *sums, size_t at, size_t length)
{
    size_t top = at + length < sums->n ? at + length : sums->n;
    double l = (double)length, k = (double)(top - at);
    double slope = sums->by[top] - sums->by[at] - ((double)at - 1) * (sums->of[top] - sums->of[at]);
    double xy = slope / l + sums->of[sums->n] - sums->of[top];
    double xx = k * (k + 1) * (2 * k + 1) / (6 * l * l) + (double)(sums->n - top);
    return fmax(sums->square - (xx > 0 ? xy * xy / xx : 0), 1e-300);
}

// The same of a step within window `at`, of which any part may be after it.
static double step_error(const struct sums *sums, size_t at)
{
    double m = (double)(sums->n - at - 1), after = sums->of[sums->n] - sums->of[at + 1];
    double y = sums->of[at + 1] - sums->of[at], level = m > 0 ? after / m : y;
    double part = fmin(fmax(level != 0 ? y / level : 0, 0), 1) * level;
    return fmax(sums->square - m * level * level - part * (2 * y - part), 1e-300);
}

static void add_up(const double *y, size_t n, struct sums *sums)
{
    sums->n = n;
    sums->square = sums->of[0] = sums->by[0] = 0;
    for (size_t w = 0; w < n; w++) {
        sums->of[w + 1] = sums->of[w] + y[w];
        sums->by[w + 1] = sums->by[w] + (double)w * y[w];
        sums->square += y[w] * y[w];
    }
}

// Whether a ramp fits better than a step, and where it began: *earliest to *latest are nearly as
// good.
static int is_ramp(const struct sums *sums, double nearly, size_t *from, size_t *earliest,
                   size_t *latest)
{
    double step = INFINITY, ramp = INFINITY, n = (double)sums->n;
    for (size_t at = 0; at < sums->n; at++) {
        step = fmin(step, step_error(sums, at));
        for (size_t length = RAMP_LEAST; at + length <= sums->n; length++) {
            double error = error_of(sums, at, length);
            if (error < ramp) {
                ramp = error;
                *from = at;
            }
        }
    }
    if (!(n * log(step / ramp) > CLEAR + log(n)))
        return 0;
    *earliest = *latest = *from;
    for (size_t at = 0; at < sums->n; at++) {
        double least = INFINITY;
        for (size_t length = RAMP_LEAST; at + length <= sums->n; length++)
            least = fmin(least, error_of(sums, at, length));
        if (!(n * log(least / ramp) < 2 * nearly))
            continue;
        *earliest = at < *earliest ? at : *earliest;
        *latest = at > *latest ? at : *latest;
    }
    return 1;
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

int weir_onset_find(const struct weir_onset_series *series, struct weir_onset *onset)
{
    size_t n = series->n, cells = series->cells;
    double nearly = series->nearly > 0 ? series->nearly : NEARLY, values = 0;
    double *room = malloc((3 * cells + 4 * n + 4) * sizeof *room);
    if (!room)
        return WEIR_ENOMEM;
    double *ratio = room + 2 * cells, *likely = ratio + cells, *y = likely + n + 1;
    struct sums sums = {.of = y + n, .by = y + 2 * n + 1};
    for (size_t w = 0; w < n; w++)
        values += total_of(series->count + w * cells, cells);
    if (!(values > 0) || !cells) {
        free(room);
        return WEIR_EINVAL;
    }
    likelihoods(series, room, room + cells, likely);
    struct weir_onset found = {.at = 0};
    find_point(likely, n, nearly, &found);
    size_t from = 0, earliest = 0, latest = 0;
    int ramp = 0;
    if (n - found.at >= RAMP_FROM) {
        project(series, found.at, room, room + cells, y);
        add_up(y, n, &sums);
        ramp = is_ramp(&sums, nearly, &from, &earliest, &latest);
    }
    if (ramp) {
        size_t seen = found.first;
        // It begins before it can be seen.
        found.at = from < found.at ? from : found.at;
        found.begins = fmax((double)found.at - 0.5, 0); // of a steady one, on average
        found.first = earliest < found.first ? earliest : found.first;
        // The first of several steps may look like a ramp's middle.
        found.last = latest > seen ? latest : seen;
        found.earliest = fmax((double)found.first - 0.5, 0);
        found.latest = (double)found.last + 0.5;
        found.kind = weir_onset_way(series, found.at, room, ratio);
    } else {
        weir_onset_sharpen(series, nearly, room, ratio, likely, &found);
    }
    free(room);
    *onset = found;
    return 0;
}
