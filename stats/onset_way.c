// SPDX-License-Identifier: Apache-2.0
// What windows on the way from before to after are made of.
#include <math.h>

#include "stats/onset_inside.h"

static const double CLEAR = 1; // ln likelihood ratio of one path to the other
enum { GRID = 20, STEPS = 12, GROUPS = 3 };

double weir_onset_sum(const struct weir_onset_series *series, size_t w, double *seen,
                      double *expected)
{
    const uint64_t *count = series->count + w * series->cells;
    double n = 0;
    for (size_t i = 0; i < series->cells; i++)
        n += (double)count[i];
    for (size_t i = 0; i < series->cells; i++) {
        seen[i] += (double)count[i];
        expected[i] += n * series->share[w * series->cells + i];
    }
    return n;
}

int weir_onset_ratio(const struct weir_onset_series *series, size_t from, double *room,
                     double *ln_ratio)
{
    double *seen = room, *expected = room + series->cells, g = 0, degrees = -1, keep;
    for (size_t i = 0; i < series->cells; i++)
        seen[i] = expected[i] = 0;
    for (size_t w = from; w < series->n; w++)
        weir_onset_sum(series, w, seen, expected);
    for (size_t i = 0; i < series->cells; i++) {
        double some = 0.5 * fmin(expected[i], 1), least = fmax(expected[i], 1e-9);
        ln_ratio[i] = log(fmax(seen[i] + some, 1e-9) / least);
        degrees += seen[i] + expected[i] > 0;
        g += 2 * (seen[i] > 0 ? seen[i] * ln_ratio[i] : 0);
    }
    // James and Stein: of a ratio that chance explains nothing is left.
    keep = g > 0 ? 1 - fmax(degrees, 1) * fmax(series->dispersion, 1) / g : 0;
    for (size_t i = 0; i < series->cells; i++)
        ln_ratio[i] *= fmax(keep, 0);
    return keep > 0;
}

// ---- paths from p to q = p exp(ln_ratio)

struct window {
    const double *seen, *share, *ln_ratio;
    size_t n;
};

static double mixed(const struct window *window, double t)
{
    double all = 0, sum = 0;
    for (size_t i = 0; i < window->n; i++)
        all += window->share[i] * exp(window->ln_ratio[i]);
    for (size_t i = 0; i < window->n && all > 0; i++) {
        if (window->seen[i] > 0)
            sum += window->seen[i] * log(fmax(1 - t + t * exp(window->ln_ratio[i]) / all, 1e-12));
    }
    return sum;
}

static double between(const struct window *window, double t)
{
    double all = 0, sum = 0, n = 0;
    for (size_t i = 0; i < window->n; i++) {
        all += window->share[i] * exp(t * window->ln_ratio[i]);
        sum += window->seen[i] * t * window->ln_ratio[i];
        n += window->seen[i];
    }
    return all > 0 ? sum - n * log(all) : sum;
}

// Both are concave in t.
static double largest(const struct window *window,
                      double (*path)(const struct window *window, double t))
{
    const double golden = 0.6180339887498949;
    double low = 0, high = 1, a = 1 - golden, b = golden;
    double at_a = path(window, a), at_b = path(window, b);
    for (int k = 0; k < STEPS; k++) {
        if (at_a > at_b) {
            high = b;
            b = a;
            at_b = at_a;
            a = high - golden * (high - low);
            at_a = path(window, a);
        } else {
            low = a;
            a = b;
            at_a = at_b;
            b = low + golden * (high - low);
            at_b = path(window, b);
        }
    }
    return fmax(at_a, at_b);
}

// ln likelihood of counts as they are, to that of what was expected.
static double free_of(const struct window *window, double *degrees)
{
    double n = 0, sum = 0;
    for (size_t i = 0; i < window->n; i++)
        n += window->seen[i];
    *degrees = 0;
    for (size_t i = 0; i < window->n && n > 0; i++) {
        if (!(window->seen[i] > 0))
            continue;
        ++*degrees;
        sum += window->seen[i] * log(window->seen[i] / n / fmax(window->share[i], 0.5 / n));
    }
    return sum;
}

// A few windows together, so that what is between is seen: whether it is no mixture, by BIC.
static double unlike_mixtures(const struct weir_onset_series *series, size_t from, size_t end,
                              double *room, const double *ln_ratio)
{
    double lead = 0, by = fmax(series->dispersion, 1);
    size_t groups = end - from < GROUPS ? end - from : GROUPS;
    for (size_t g = 0; g < groups; g++) {
        double n = 0, degrees;
        for (size_t i = 0; i < 2 * series->cells; i++)
            room[i] = 0;
        for (size_t w = from + g * (end - from) / groups;
             w < from + (g + 1) * (end - from) / groups; w++)
            n += weir_onset_sum(series, w, room, room + series->cells);
        for (size_t i = 0; i < series->cells && n > 0; i++)
            room[series->cells + i] /= n;
        struct window window = {room, room + series->cells, ln_ratio, series->cells};
        double free = free_of(&window, &degrees) - largest(&window, mixed);
        if (n > 0)
            lead += free / by - 0.5 * fmax(degrees - 2, 0) * log(n);
    }
    return lead;
}

enum weir_onset_kind weir_onset_way(const struct weir_onset_series *series, size_t from,
                                    double *room, double *ln_ratio)
{
    size_t long_ = series->n - from, late = long_ / 4 > 2 ? long_ / 4 : 2;
    size_t end = series->n - (late < long_ ? late : long_);
    double lead = 0;
    if (end <= from || !weir_onset_ratio(series, end, room, ln_ratio))
        return WEIR_ONSET_GRADUAL;
    for (size_t w = from; w < end && series->ordered; w++) {
        for (size_t i = 0; i < 2 * series->cells; i++)
            room[i] = 0;
        if (!(weir_onset_sum(series, w, room, room + series->cells) > 0))
            continue;
        struct window window = {room, series->share + w * series->cells, ln_ratio, series->cells};
        lead += (largest(&window, between) - largest(&window, mixed)) / fmax(series->dispersion, 1);
    }
    if (lead > CLEAR || unlike_mixtures(series, from, end, room, ln_ratio) > CLEAR)
        return WEIR_ONSET_INCREMENTAL;
    return WEIR_ONSET_GRADUAL;
}

// ---- within a window

void weir_onset_sharpen(const struct weir_onset_series *series, double nearly, double *room,
                        double *ln_ratio, double *after, struct weir_onset *onset)
{
    size_t n = series->n, cells = series->cells;
    double by = fmax(series->dispersion, 1), best = -INFINITY;
    if (onset->at + 1 >= n || !weir_onset_ratio(series, onset->at + 1, room, ln_ratio))
        return;
    after[n] = 0;
    for (size_t w = n; w-- > 0;) {
        for (size_t i = 0; i < cells; i++)
            room[i] = (double)series->count[w * cells + i];
        struct window window = {room, series->share + w * cells, ln_ratio, cells};
        after[w] = after[w + 1] + mixed(&window, 1) / by;
    }
    double earliest = onset->begins, latest = onset->begins, begins = onset->begins;
    size_t from = onset->first ? onset->first - 1 : 0;
    // First the best, then all that are nearly as good.
    for (int pass = 0; pass < 2; pass++) {
        for (size_t w = from; w <= onset->last && w < n; w++) {
            for (size_t i = 0; i < cells; i++)
                room[i] = (double)series->count[w * cells + i];
            struct window window = {room, series->share + w * cells, ln_ratio, cells};
            for (int k = 0; k <= GRID; k++) {
                double part = (double)k / GRID, time = (double)w + part;
                double likely = after[w + 1] + mixed(&window, 1 - part) / by;
                if (!pass && likely > best) {
                    best = likely;
                    begins = earliest = latest = time;
                } else if (pass && 2 * (best - likely) < nearly) {
                    earliest = fmin(earliest, time);
                    latest = fmax(latest, time);
                }
            }
        }
    }
    onset->begins = begins;
    onset->earliest = fmax(earliest - 0.5 / GRID, 0);
    onset->latest = fmin(latest + 0.5 / GRID, (double)n);
}
