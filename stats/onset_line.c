// SPDX-License-Identifier: Apache-2.0
#include "stats/onset_line.h"

#include <math.h>
#include <stdlib.h>

#include "weir/error.h"

static const double CLEAR = 4; // beyond what BIC asks for
enum { LEAST = 3, FITTED = 4, RAMP_LEAST = 3, FINE = 48, COARSE = 16 };

// Weighted sums over windows before each.
enum { ONE, W, WW, Y, WY, YY, SUMS };
struct sums {
    const struct weir_onset_line *line;
    double (*of)[SUMS];
};

struct fitted {
    double error, begins, change;
};

static double part(const struct sums *sums, int which, size_t from, size_t to)
{
    return sums->of[to][which] - sums->of[from][which];
}

// Before window `at` as it was, then a ramp over `length` windows, and its end after: the first of
// them has gone 1 / length of it. `jumps`: what the best of these leaves where it comes with a step
// in the same direction at its beginning, as the first of several steps does.
static struct fitted ramp(const struct sums *sums, size_t at, size_t length, double *jumps)
{
    size_t n = sums->line->n, top = at + length < n ? at + length : n;
    double l = (double)length, before = (double)at - 1, one = part(sums, ONE, at, top);
    double w = part(sums, W, at, top) - before * one;
    double ww =
        part(sums, WW, at, top) - 2 * before * part(sums, W, at, top) + before * before * one;
    double xy = (part(sums, WY, at, top) - before * part(sums, Y, at, top)) / l;
    double x = w / l + part(sums, ONE, top, n), xx = ww / (l * l) + part(sums, ONE, top, n);
    double zx = x, zz = part(sums, ONE, at, n), zy = part(sums, Y, at, n);
    double all = part(sums, ONE, 0, n);
    struct fitted out = {part(sums, YY, 0, n), (double)at - 0.5, 0};
    xy += part(sums, Y, top, n);
    if (sums->line->base) {
        double mean = part(sums, Y, 0, n) / all, z = zz;
        out.error -= mean * part(sums, Y, 0, n);
        zx -= x * z / all;
        zy -= z * mean;
        zz -= z * z / all;
        xx -= x * x / all;
        xy -= x * mean;
    }
    double determinant = xx * zz - zx * zx, error = out.error;
    if (xx > 1e-9 * all) {
        out.change = xy / xx;
        out.error -= xy * out.change;
    }
    *jumps = out.error;
    if (determinant > 1e-9 * xx * zz && zz > 1e-9 * all) {
        double slope = (xy * zz - zy * zx) / determinant, jump = (zy * xx - xy * zx) / determinant;
        if (slope * jump > 0)
            *jumps = error - slope * xy - jump * zy;
    }
    return out;
}

// Of numbers around their mean, or around 0.
static double spread(const struct sums *sums, size_t from, size_t to, int around, double *mean)
{
    double sum = part(sums, Y, from, to), one = part(sums, ONE, from, to);
    *mean = around && one > 0 ? sum / one : 0;
    return part(sums, YY, from, to) - *mean * sum;
}

// A step within window `at`, of which any part may be after it.
static struct fitted step(const struct sums *sums, size_t at)
{
    size_t n = sums->line->n;
    double before, after, y = sums->line->y[at], gone = 1;
    struct fitted out = {spread(sums, 0, at, sums->line->base, &before), 0, 0};
    out.error += spread(sums, at + 1, n, 1, &after);
    if (at + 1 == n)
        after = y;
    out.change = after - before;
    if (at && out.change != 0)
        gone = fmin(fmax((y - before) / out.change, 0), 1);
    double left = at ? y - before - gone * out.change : 0;
    out.error += sums->line->weight[at] * left * left;
    out.begins = (double)at + 1 - gone;
    return out;
}

static int make_sums(const struct weir_onset_line *line, struct sums *sums)
{
    *sums = (struct sums){.line = line, .of = malloc((line->n + 1) * sizeof *sums->of)};
    if (!sums->of)
        return WEIR_ENOMEM;
    for (int k = 0; k < SUMS; k++)
        sums->of[0][k] = 0;
    for (size_t i = 0; i < line->n; i++) {
        double w = (double)i, y = line->y[i];
        const double add[SUMS] = {1, w, w * w, y, w * y, y * y};
        for (int k = 0; k < SUMS; k++)
            sums->of[i + 1][k] = sums->of[i][k] + line->weight[i] * add[k];
    }
    return 0;
}

// Lengths that are tried: each of the first, then ever sparser.
static size_t next(size_t length)
{
    return length < FINE ? length + 1 : length + length / COARSE;
}

// Fills the least error of any start with each window; returns the best step and ramp.
static void search(const struct sums *sums, double *profile, struct fitted *best_step,
                   struct fitted *best_ramp)
{
    size_t n = sums->line->n;
    best_step->error = best_ramp->error = INFINITY;
    for (size_t at = 0; at < n; at++) {
        struct fitted one = step(sums, at);
        *best_step = one.error < best_step->error ? one : *best_step;
        profile[at] = one.error;
        for (size_t length = RAMP_LEAST; at + length <= n; length = next(length)) {
            double jumps;
            one = ramp(sums, at, length, &jumps);
            *best_ramp = one.error < best_ramp->error ? one : *best_ramp;
            profile[at] = fmin(profile[at], jumps);
        }
    }
}

int weir_onset_fit(const struct weir_onset_line *line, struct weir_onset_fit *fit)
{
    struct sums sums;
    struct fitted step = {0}, ramp = {0};
    size_t n = line->n;
    if (n < LEAST)
        return WEIR_EINVAL;
    double *profile = malloc(n * sizeof *profile);
    int code = profile ? make_sums(line, &sums) : WEIR_ENOMEM;
    if (code) {
        free(profile);
        return code;
    }
    search(&sums, profile, &step, &ramp);
    // Ramps with a step would be the best ones by chance: they count as likely as others only.
    double best = fmin(ramp.error, step.error), least = best;
    for (size_t at = 0; at < n; at++)
        least = fmin(least, profile[at]);
    // What fits badly says less.
    double by = fmax(least / fmax((double)n - FITTED, 1), 1);
    struct weir_onset_fit out = {.earliest = (double)n, .latest = 0};
    out.lead = fmax((step.error - ramp.error) / by, -1e6);
    out.is_ramp = out.lead > CLEAR + log((double)n);
    for (size_t at = 0; at < n; at++) {
        if (!((profile[at] - best) / by < line->nearly))
            continue;
        // A step is within its window, a ramp begins before its first, by half a window and half
        // of what starts are apart.
        out.earliest = fmin(out.earliest, fmax((double)at - 1, 0));
        out.latest = (double)at + 1;
    }
    const struct fitted *found = out.is_ramp ? &ramp : &step;
    out.begins = fmax(found->begins, 0);
    out.earliest = fmin(out.earliest, out.begins);
    out.latest = fmax(out.latest, out.begins);
    out.change = found->change;
    free(sums.of);
    free(profile);
    *fit = out;
    return 0;
}
