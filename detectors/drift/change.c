// SPDX-License-Identifier: Apache-2.0
// How a field changed, in a word: what explains most of it. Of numbers the counts are held against
// those that a moved level, p exp(a z), a moved spread, p exp(b z^2), or both would give (z: normal
// scores of the reference's cells); what none of them explains is another shape.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "detectors/drift/drift.h"
#include "stats/cell_score.h"
#include "stats/summary.h"
#include "stats/unit_change.h"

enum { CELLS = 1024, ROUNDS = 8 };
static const double EXPLAINS = 0.7; // of the log likelihood ratio
static const double ONE_CELL = 0.6; // of what changed

const char *drift_how_name(enum drift_how how)
{
    static const char *const names[] = {"nulls",     "new values", "tail",  "unit",
                                        "one value", "mean",       "scale", "mean and scale",
                                        "shares",    "shape"};
    return names[how];
}

struct counts {
    double share[CELLS], score[CELLS], now[CELLS];
    size_t n;
    double values, before;
};

static int read_counts(const struct drift_verdict *verdict, struct counts *counts)
{
    const struct weir_summary *now = verdict->now, *then = verdict->then;
    counts->n = 0;
    counts->values = counts->before = 0;
    if (!now->cell || !then->cell || now->cells->n != then->cells->n || then->cells->n > CELLS)
        return 0;
    for (size_t i = 0; i < then->cells->n; i++) {
        counts->before += (double)then->cell[i];
        counts->values += (double)now->cell[i];
    }
    if (!(counts->before > 0) || !(counts->values > 0))
        return 0;
    counts->n = then->cells->n;
    // Half a value where there was none, so that all is possible.
    double all = counts->before + 0.5 * (double)counts->n;
    for (size_t i = 0; i < counts->n; i++) {
        counts->share[i] = ((double)then->cell[i] + 0.5) / all;
        counts->now[i] = (double)now->cell[i];
    }
    weir_normal_scores(counts->share, counts->n, counts->score);
    return 1;
}

// ---- what explains it

// ln likelihood ratio of p exp(a z + b z^2) to p, and its slope and curvature in a or b.
static double tilted(const struct counts *counts, const double tilt[2], int which, double *slope,
                     double *curve)
{
    double all = 0, mean = 0, square = 0, sum = 0, seen = 0;
    for (size_t i = 0; i < counts->n; i++) {
        double z = counts->score[i], x = which ? z * z : z;
        double e = tilt[0] * z + tilt[1] * z * z, w = counts->share[i] * exp(fmin(e, 600));
        all += w;
        mean += w * x;
        square += w * x * x;
        sum += counts->now[i] * e;
        seen += counts->now[i] * x;
    }
    mean /= all;
    *slope = seen - counts->values * mean;
    *curve = counts->values * fmax(square / all - mean * mean, 1e-12);
    return sum - counts->values * log(all);
}

static double best_tilt(const struct counts *counts, int level, int spread, double tilt[2])
{
    double slope, curve, likely = 0;
    tilt[0] = tilt[1] = 0;
    for (int round = 0; round < ROUNDS * (1 + (level && spread)); round++) {
        for (int which = 0; which < 2; which++) {
            if (!(which ? spread : level))
                continue;
            tilted(counts, tilt, which, &slope, &curve);
            double step = slope / curve, most = which ? 0.25 : 1;
            tilt[which] += fmin(fmax(step, -most), most);
            tilt[1] = fmin(tilt[1], 0.45);
            likely = tilted(counts, tilt, which, &slope, &curve);
        }
    }
    return likely;
}

static double free_likelihood(const struct counts *counts)
{
    double sum = 0;
    for (size_t i = 0; i < counts->n; i++) {
        if (counts->now[i] > 0)
            sum += counts->now[i] * log(counts->now[i] / counts->values / counts->share[i]);
    }
    return sum - ((double)counts->n - 1) / 2;
}

// The cell whose share rose most, where that is most of what changed.
static size_t spike_of(const struct counts *counts)
{
    size_t best = counts->n;
    double most = 0, up = 0;
    for (size_t i = 0; i < counts->n; i++) {
        double rise = counts->now[i] / counts->values - counts->share[i];
        up += fmax(rise, 0);
        if (rise > most) {
            most = rise;
            best = i;
        }
    }
    return most > ONE_CELL * up ? best : counts->n;
}

static double mean_of(const struct counts *counts, double *deviation)
{
    double mean = 0, square = 0;
    for (size_t i = 0; i < counts->n; i++) {
        mean += counts->now[i] / counts->values * counts->score[i];
        square += counts->now[i] / counts->values * counts->score[i] * counts->score[i];
    }
    double usual = 0;
    for (size_t i = 0; i < counts->n; i++)
        usual += counts->share[i] * counts->score[i] * counts->score[i];
    *deviation = usual > 0 ? sqrt(fmax(square - mean * mean, 0) / usual) : 1;
    return mean;
}

// ---- numbers

static enum drift_how number(const struct counts *counts, const struct weir_cells *cells,
                             char *text, size_t size)
{
    double tilt[2], free = free_likelihood(counts), deviation, mean = mean_of(counts, &deviation);
    double level = best_tilt(counts, 1, 0, tilt), spread = best_tilt(counts, 0, 1, tilt);
    double both = best_tilt(counts, 1, 1, tilt);
    size_t spike = spike_of(counts), last = counts->n - 1;
    double outer = (counts->now[0] + counts->now[last]) / counts->values;
    double usual = counts->share[0] + counts->share[last];
    char name[64];
    if (spike < counts->n && spike && spike < last && both < EXPLAINS * free) {
        weir_cells_name(cells, spike, name, sizeof name);
        snprintf(text, size, "one value or a few of them, %s: %.3g%% -> %.3g%%", name,
                 100 * counts->share[spike], 100 * counts->now[spike] / counts->values);
        return DRIFT_HOW_SPIKE;
    }
    if (level >= EXPLAINS * free && level >= spread) {
        snprintf(text, size, "mean %s by %.2g sd", mean > 0 ? "up" : "down", fabs(mean));
        return DRIFT_HOW_MEAN;
    }
    if (spread >= EXPLAINS * free) {
        snprintf(text, size, "scale: spread x %.2g, mean about the same", deviation);
        return DRIFT_HOW_SCALE;
    }
    if (counts->n > 2 && outer - usual > fmax(0.005, usual) && both < EXPLAINS * free) {
        snprintf(text, size, "tail: %.3g%% of values outermost, %.2g%% before", 100 * outer,
                 100 * usual);
        return DRIFT_HOW_TAIL;
    }
    if (both >= EXPLAINS * free) {
        snprintf(text, size, "mean %s by %.2g sd and spread x %.2g", mean > 0 ? "up" : "down",
                 fabs(mean), deviation);
        return DRIFT_HOW_BOTH;
    }
    snprintf(text, size, "shape: neither a moved mean (%+.2g sd) nor spread (x %.2g) explains it",
             mean, deviation);
    return DRIFT_HOW_SHAPE;
}

// ---- units

static int is_unit(const struct drift_verdict *verdict, const struct weir_summary *then, char *text,
                   size_t size)
{
    const struct weir_summary *now = verdict->now;
    struct weir_law laws[2] = {{.n = 0}, {.n = 0}};
    struct weir_unit_catalogue catalogue = {NULL, 0};
    struct weir_unit_change change = {.finding = WEIR_UNIT_NOTHING};
    if (!then || !then->quantiles || !now->quantiles || then->shape != WEIR_SHAPE_NUMERIC ||
        (now->cells == then->cells && now->cell && then->cell &&
         !weir_unit_suspect(then->cell, now->cell, now->cells->n)))
        return 0;
    int code = weir_law_make(then->quantiles, &laws[0]);
    if (!code)
        code = weir_law_make(now->quantiles, &laws[1]);
    if (!code)
        code = weir_unit_catalogue_make(verdict->field->info->unit, verdict->field->info->name,
                                        &catalogue);
    struct weir_unit_question question = {&laws[0], &laws[1], &catalogue, 0};
    if (!code)
        weir_unit_diagnose(&question, &change);
    int found = 1;
    if (change.finding == WEIR_UNIT_ALL || change.finding == WEIR_UNIT_PART) {
        const struct weir_unit_entry *entry = change.n_matches ? change.matches[0] : NULL;
        char part[40] = "all values";
        if (change.finding == WEIR_UNIT_PART)
            snprintf(part, sizeof part, "%.3g%% of values", 100 * change.share);
        if (change.map.form == WEIR_UNIT_LINEAR)
            snprintf(text, size, "unit: %s x %.4g%s%.40s%s%.40s", part, change.map.a,
                     entry ? ", as from " : "", entry ? entry->from : "", entry ? " to " : "",
                     entry ? entry->to : "");
        else
            snprintf(text, size, "unit: %s are %s of what they were", part,
                     change.map.form == WEIR_UNIT_LOG ? "logarithms" : "powers");
    } else if (change.finding == WEIR_UNIT_STANDARDISED || change.finding == WEIR_UNIT_RAW) {
        snprintf(text, size, "unit: values are %s",
                 change.finding == WEIR_UNIT_RAW ? "no longer standardised" : "standardised now");
    } else {
        found = 0;
    }
    weir_unit_catalogue_free(&catalogue);
    weir_law_free(&laws[0]);
    weir_law_free(&laws[1]);
    return found;
}

enum drift_how drift_how_changed(const struct drift_verdict *verdict,
                                 const struct weir_summary *profile, char *text, size_t size)
{
    struct counts counts;
    *text = 0;
    switch (verdict->test) {
    case DRIFT_NULL_RATE:
        snprintf(text, size, "nulls %.3g%% -> %.3g%%", 100 * verdict->baseline,
                 100 * verdict->share);
        return DRIFT_HOW_NULLS;
    case DRIFT_UNSEEN:
        snprintf(text, size, "new values: %.3g%%", 100 * verdict->share);
        return DRIFT_HOW_NEW;
    default:
        break;
    }
    if (verdict->then->shape != WEIR_SHAPE_NUMERIC) {
        snprintf(text, size, "shares of known values");
        return DRIFT_HOW_SHARES;
    }
    if (is_unit(verdict, profile ? profile : verdict->then, text, size))
        return DRIFT_HOW_UNIT;
    if (verdict->test == DRIFT_TAIL) {
        snprintf(text, size, "tail: %.3g%% beyond nearly all of before, %.2g%% then",
                 100 * verdict->share, 100 * verdict->baseline);
        return DRIFT_HOW_TAIL;
    }
    if (!read_counts(verdict, &counts)) {
        snprintf(text, size, "shape");
        return DRIFT_HOW_SHAPE;
    }
    return number(&counts, verdict->then->cells, text, size);
}
