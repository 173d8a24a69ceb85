// SPDX-License-Identifier: Apache-2.0
// Changes of all values.
#include <math.h>

#include "stats/unit_inside.h"

// Of KS: what the day's own wobble may leave of a change that moved everything far away; what a
// change must come to, and what it must come down to.
static const double WOBBLE = 0.06, CLEAR = 0.4, LEAST = 0.15, REDUCED = 3;
// Standard errors; robust standard deviations that a place and a spread may be off by wobble.
static const double ERRORS = 3, OFF_PLACE = 0.12, OFF_SPREAD = 0.08;
// A factor without a name: the least of it, and the KS distance that it must make.
static const double FREE_FACTOR = 3, FREE_SEPARATION = 0.75;

struct fit {
    struct weir_quantile_line line;
    double undone; // KS
    double separation;
    int exact; // without the allowance for wobble
};

static double allowance(double separation)
{
    return WOBBLE * fmax(0, fmin(1, (separation - CLEAR) / (0.9 - CLEAR)));
}

// KS between the current law, undone, and the reference, less what lumps may hide.
static double undone_distance(const struct weir_unit_question *question,
                              const struct unit_reference *reference,
                              const struct weir_unit_map *map)
{
    int falls = map->form == WEIR_UNIT_LINEAR && map->a < 0;
    double largest = 0;
    for (size_t i = 0; i < reference->cuts; i++) {
        double at = reference->cut[i], doubt = 0, y = weir_unit_apply(map, at);
        if (isnan(y))
            continue;
        double now = weir_law_below(question->current, y, &doubt);
        double then = weir_law_below(question->reference, at, &doubt);
        largest = fmax(largest, fabs((falls ? 1 - now : now) - then) - doubt);
    }
    return largest;
}

// A few quantiles, first: most entries are far off.
static int is_near(const struct weir_unit_question *question,
                   const struct unit_reference *reference, const struct weir_unit_map *map,
                   double slack)
{
    int falls = map->form == WEIR_UNIT_LINEAR && map->a < 0;
    for (int i = 3; i < UNIT_LEVELS; i += 8) {
        double doubt = 0, level = (i + 1) / (UNIT_LEVELS + 1.0);
        double y = weir_unit_apply(map, reference->quantile[i]);
        if (isnan(y))
            return 0;
        double now = weir_law_below(question->current, y, &doubt);
        weir_law_below(question->reference, reference->quantile[i], &doubt);
        if (fabs((falls ? 1 - now : now) - level) > slack + doubt)
            return 0;
    }
    return 1;
}

// Through the quantiles of the reference and of the current law, undone.
static void fit_line(const struct weir_unit_question *question,
                     const struct unit_reference *reference, const struct weir_unit_map *map,
                     struct weir_quantile_line *line)
{
    enum { POINTS = 19 };
    const struct unit_shape *shape = &reference->shape;
    int falls = map->form == WEIR_UNIT_LINEAR && map->a < 0;
    double x[POINTS], y[POINTS], level[POINTS], part = 1 - shape->zero;
    for (int i = 0; i < POINTS; i++) {
        level[i] = (i + 1) / (POINTS + 1.0);
        double q = shape->zero + level[i] * part;
        x[i] = weir_law_quantile(question->reference, q);
        y[i] = weir_unit_undo(map, weir_law_quantile(question->current, falls ? 1 - q : q));
        if (shape->logarithmic) {
            x[i] = log(fmax(x[i], 0x1p-64));
            y[i] = log(fmax(y[i], 0x1p-64));
        }
        if (!isfinite(y[i])) {
            line->points = 0;
            return;
        }
    }
    weir_quantile_line(x, y, level, POINTS, shape->centre, question->reference->total * part,
                       question->current->total * part, line);
}

// The map's factor, moved to where the medians say and kept within the entry's range.
static struct weir_unit_map fitted(const struct weir_unit_question *question,
                                   const struct unit_reference *reference,
                                   const struct weir_unit_entry *entry)
{
    struct weir_unit_map map = entry->map;
    if (entry->low == entry->high)
        return map;
    double q = reference->shape.zero + (1 - reference->shape.zero) / 2;
    double a = weir_law_quantile(question->current, q) / weir_law_quantile(question->reference, q);
    if (!isfinite(a))
        return map;
    map.a = fmin(entry->high, fmax(entry->low, a));
    struct weir_quantile_line line;
    fit_line(question, reference, &map, &line);
    if (line.points && reference->shape.logarithmic)
        map.a = fmin(entry->high, fmax(entry->low, map.a * exp(line.shift)));
    return map;
}

static int fits(const struct weir_unit_question *question, const struct unit_reference *reference,
                const struct weir_unit_map *map, double noise, struct fit *fit)
{
    const struct unit_shape *shape = &reference->shape;
    fit->separation = unit_separation(reference, map);
    double wobble = allowance(fit->separation);
    if (fit->separation < LEAST || !is_near(question, reference, map, noise + wobble))
        return 0;
    fit->undone = undone_distance(question, reference, map);
    fit_line(question, reference, map, &fit->line);
    if (!fit->line.points || fit->undone > noise + wobble)
        return 0;
    double far = wobble / WOBBLE;
    double place = fmax(ERRORS * fit->line.se_shift, far * OFF_PLACE * shape->sd);
    double spread = fmax(ERRORS * fit->line.se_slope, far * OFF_SPREAD);
    fit->exact = fabs(fit->line.shift) <= ERRORS * fit->line.se_shift;
    return fabs(fit->line.shift) <= place && fabs(fit->line.slope - 1) <= spread;
}

// A guess must be precise, or any factor would do: 3 standard errors within a fifth of it.
static int is_precise(const struct unit_reference *reference, const struct weir_unit_entry *entry,
                      const struct fit *fit)
{
    if (entry->map.form != WEIR_UNIT_LINEAR || entry->map.b != 0 || entry->map.a < 0 ||
        !reference->shape.logarithmic)
        return 1;
    double error = ERRORS * fit->line.se_shift;
    return error < 0.3 * fabs(log(entry->map.a)) &&
           (entry->scope != WEIR_UNIT_GUESS || error < 0.08);
}

struct candidate {
    const struct weir_unit_entry *entry;
    struct weir_unit_map map;
    struct fit fit;
};

// By what speaks for it, exact ones first, then by how far the place is off.
static int is_better(const struct candidate *x, const struct candidate *y)
{
    int of_x = x->entry->scope == WEIR_UNIT_GUESS, of_y = y->entry->scope == WEIR_UNIT_GUESS;
    int range_x = x->entry->low != x->entry->high, range_y = y->entry->low != y->entry->high;
    if (of_x != of_y)
        return of_x < of_y;
    if (x->fit.exact != y->fit.exact)
        return x->fit.exact;
    if (range_x != range_y)
        return range_x < range_y;
    return fabs(x->fit.line.shift) < fabs(y->fit.line.shift) - 1e-9;
}

static void keep(struct candidate *best, size_t *n, const struct candidate *made)
{
    size_t at = *n;
    while (at && is_better(made, &best[at - 1]))
        at--;
    if (at == WEIR_UNIT_MATCHES)
        return;
    *n += *n < WEIR_UNIT_MATCHES;
    for (size_t i = *n - 1; i > at; i--)
        best[i] = best[i - 1];
    best[at] = *made;
}

static void set_ratio(struct weir_unit_change *change, const struct weir_unit_map *map,
                      const struct unit_reference *reference, const struct weir_quantile_line *line)
{
    change->map = *map;
    change->ratio_low = change->ratio_high = map->a;
    if (map->form == WEIR_UNIT_LINEAR && reference->shape.logarithmic && map->b == 0) {
        double middle = map->a * exp(line->shift), wide = exp(ERRORS * line->se_shift);
        change->ratio_low = middle / wide;
        change->ratio_high = middle * wide;
    }
}

static double mean_and_sd(const struct weir_law *law, double *sd)
{
    double mean = 0, squares = 0, n = law->total;
    for (size_t i = 0; i < law->n; i++) {
        double x = (law->low[i] + law->high[i]) / 2, k = law->below[i + 1] - law->below[i];
        mean += k * x / n;
    }
    for (size_t i = 0; i < law->n; i++) {
        double x = (law->low[i] + law->high[i]) / 2, k = law->below[i + 1] - law->below[i];
        squares += k * (x - mean) * (x - mean);
    }
    *sd = sqrt(squares / n);
    return mean;
}

static int is_standard(double mean, double sd, double slack)
{
    return fabs(mean) < slack && fabs(sd - 1) < slack;
}

static int is_far_from_standard(double mean, double sd)
{
    return sd > 5 || sd < 0.2 || fabs(mean) > 5;
}

// Raw values where standardised ones were, or the other way round: any line will do that makes
// one of the other.
static void diagnose_standardised(const struct weir_unit_question *question,
                                  const struct unit_reference *reference,
                                  struct weir_unit_change *change)
{
    double sd_then, then = mean_and_sd(question->reference, &sd_then);
    double sd_now, now = mean_and_sd(question->current, &sd_now);
    int made = is_standard(now, sd_now, 0.25) && is_far_from_standard(then, sd_then);
    int undone = is_standard(then, sd_then, 0.1) && is_far_from_standard(now, sd_now);
    if ((!made && !undone) || !(sd_then > 0))
        return;
    // By the middle of both, which tails do not move.
    double q25 = weir_law_quantile(question->current, .25);
    double q75 = weir_law_quantile(question->current, .75);
    double r25 = weir_law_quantile(question->reference, .25);
    double r75 = weir_law_quantile(question->reference, .75);
    struct weir_unit_map map = {WEIR_UNIT_LINEAR, (q75 - q25) / (r75 - r25), 0};
    map.b = q25 - map.a * r25;
    if (!isfinite(map.a) || !isfinite(map.b) || !(map.a > 0))
        return;
    double left = undone_distance(question, reference, &map);
    if (left > change->noise || left * REDUCED > change->distance)
        return;
    change->finding = made ? WEIR_UNIT_STANDARDISED : WEIR_UNIT_RAW;
    change->map = map;
    change->ratio_low = change->ratio_high = map.a;
    change->undone = left;
    change->share = 1;
}

// A factor without a name.
static void diagnose_factor(const struct weir_unit_question *question,
                            const struct unit_reference *reference, struct weir_unit_change *change)
{
    if (!reference->shape.logarithmic)
        return;
    struct weir_unit_map map = UNIT_SAME;
    struct fit fit;
    for (int i = 0; i < 2; i++) {
        fit_line(question, reference, &map, &fit.line);
        if (!fit.line.points)
            return;
        map.a *= exp(fit.line.shift);
    }
    if (!isfinite(map.a) || !(map.a > 0) || fabs(log(map.a)) < log(FREE_FACTOR) ||
        !fits(question, reference, &map, change->noise, &fit) || fit.separation < FREE_SEPARATION ||
        fit.undone * REDUCED > change->distance)
        return;
    set_ratio(change, &map, reference, &fit.line);
    change->finding = WEIR_UNIT_FACTOR;
    change->undone = fit.undone;
    change->share = 1;
}

void unit_diagnose_all(const struct weir_unit_question *question,
                       const struct unit_reference *reference, struct weir_unit_change *change)
{
    struct candidate best[WEIR_UNIT_MATCHES];
    size_t n = 0;
    if (change->distance < fmax(LEAST, 2 * change->noise))
        return;
    for (size_t i = 0; i < question->catalogue->n; i++) {
        const struct weir_unit_entry *entry = &question->catalogue->entries[i];
        if (!unit_is_eligible(entry, 1))
            continue;
        struct candidate made = {.entry = entry, .map = fitted(question, reference, entry)};
        if (fits(question, reference, &made.map, change->noise, &made.fit) &&
            made.fit.undone * REDUCED <= change->distance &&
            is_precise(reference, entry, &made.fit))
            keep(best, &n, &made);
    }
    if (!n) {
        diagnose_standardised(question, reference, change);
        if (change->finding == WEIR_UNIT_NOTHING)
            diagnose_factor(question, reference, change);
        return;
    }
    set_ratio(change, &best[0].map, reference, &best[0].fit.line);
    change->finding = WEIR_UNIT_ALL;
    change->undone = best[0].fit.undone;
    change->share = 1;
    for (size_t i = 0; i < n; i++)
        if (best[i].fit.exact || !best[0].fit.exact)
            change->matches[change->n_matches++] = best[i].entry;
}
