// SPDX-License-Identifier: Apache-2.0
// What both diagnoses need, and the order of the two: stats/unit_all.c, stats/unit_part.c.
#include "stats/unit_change.h"

#include <math.h>
#include <string.h>

#include "stats/unit_inside.h"

// Fewer values than this say nothing; and the KS distance under which nothing need be explained.
enum { LEAST_VALUES = 50 };
static const double SMALLEST = 0x1p-64, NOISE = 1.95, SUSPICIOUS = 18;

static double clamp(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

static void find_shape(const struct weir_law *law, struct unit_shape *shape)
{
    double negative = weir_law_below(law, -SMALLEST, NULL);
    double zero = weir_law_below(law, SMALLEST, NULL);
    shape->logarithmic = !(negative > 0) && zero < 0.9;
    shape->zero = shape->logarithmic ? zero : 0;
    double q[3] = {.1587, .5, .8413};
    for (int i = 0; i < 3; i++) {
        q[i] = weir_law_quantile(law, shape->zero + q[i] * (1 - shape->zero));
        q[i] = shape->logarithmic ? log(fmax(q[i], SMALLEST)) : q[i];
    }
    shape->centre = q[1];
    shape->sd = (q[2] - q[0]) / 2;
}

// The upper edge of the bucket with the share q below it.
static double edge_at(const struct weir_law *law, double q)
{
    size_t i = 0, n = law->n;
    double rank = q * law->total;
    while (n) {
        size_t half = n / 2;
        int right = law->below[i + half + 1] < rank;
        i = right ? i + half + 1 : i;
        n = right ? n - half - 1 : half;
    }
    return law->high[i < law->n ? i : law->n - 1];
}

static void find_cuts(struct unit_reference *reference)
{
    static const double tails[] = {.0005, .002, .01, .99, .998, .9995};
    const struct weir_law *law = reference->law;
    double wanted[UNIT_LEVELS];
    size_t n = 0;
    wanted[n++] = law->low[0];
    for (size_t k = 0; k < 3; k++)
        wanted[n++] = edge_at(law, tails[k]);
    for (int k = 1; k < 32; k++)
        wanted[n++] = edge_at(law, k / 32.0);
    for (size_t k = 3; k < 6; k++)
        wanted[n++] = edge_at(law, tails[k]);
    wanted[n++] = law->high[law->n - 1];
    reference->cuts = 0;
    for (size_t i = 0; i < n; i++)
        if (!reference->cuts || wanted[i] > reference->cut[reference->cuts - 1])
            reference->cut[reference->cuts++] = wanted[i];
}

int unit_reference_make(const struct weir_law *law, struct unit_reference *reference)
{
    if (law->total < LEAST_VALUES)
        return 0;
    reference->law = law;
    find_shape(law, &reference->shape);
    if (!(reference->shape.sd > 0))
        return 0;
    find_cuts(reference);
    for (int i = 0; i < UNIT_LEVELS; i++)
        reference->quantile[i] = weir_law_quantile(law, (i + 1) / (UNIT_LEVELS + 1.0));
    return reference->cuts >= 4;
}

double unit_drift_undo(const struct unit_shape *shape, const struct unit_drift *drift, double x)
{
    if (drift->shift == 0 && drift->spread == 1)
        return x;
    double centre = shape->centre, moved = centre + drift->shift * shape->sd;
    if (!shape->logarithmic)
        return centre + (x - moved) / drift->spread;
    return x > 0 ? exp(centre + (log(x) - moved) / drift->spread) : x;
}

double unit_below(const struct unit_reference *reference, const struct unit_drift *drift,
                  const struct weir_unit_map *map, double y, double *doubt)
{
    double x = unit_drift_undo(&reference->shape, drift, weir_unit_undo(map, y));
    double share = weir_law_below(reference->law, x, doubt);
    return map->form == WEIR_UNIT_LINEAR && map->a < 0 ? 1 - share : share;
}

double unit_separation(const struct unit_reference *reference, const struct weir_unit_map *map)
{
    double largest = 0;
    for (size_t i = 0; i < reference->cuts; i++) {
        double at = reference->cut[i];
        largest = fmax(largest, fabs(weir_law_below(reference->law, at, NULL) -
                                     weir_law_mapped_below(reference->law, map, at, NULL)));
    }
    return largest;
}

double unit_noise(const struct weir_law *reference, const struct weir_law *current)
{
    return NOISE * sqrt(1 / reference->total + 1 / current->total);
}

int unit_is_eligible(const struct weir_unit_entry *entry, int all)
{
    const struct weir_unit_map *map = &entry->map;
    if (!all && (entry->scope == WEIR_UNIT_GUESS || map->form == WEIR_UNIT_EXP))
        return 0;
    if (map->form != WEIR_UNIT_LINEAR || map->b != 0 || map->a < 0)
        return 1;
    // A factor of under one and a half may be a rise in prices; a range is soft besides, and a
    // guess is a guess.
    double least = fmin(fabs(log(entry->low)), fabs(log(entry->high)));
    if (log(entry->low) * log(entry->high) <= 0)
        return 0;
    if (entry->low != entry->high)
        return entry->scope != WEIR_UNIT_GUESS &&
               least >= (all && entry->scope == WEIR_UNIT_DECLARED ? log(2.5) : log(20));
    return least >= (entry->scope == WEIR_UNIT_GUESS ? log(5) : log(1.5));
}

int weir_unit_suspect(const uint64_t *reference, const uint64_t *current, size_t cells)
{
    double n = 0, m = 0, a = 0, b = 0;
    for (size_t i = 0; i < cells; i++) {
        n += (double)reference[i];
        m += (double)current[i];
    }
    if (!(n > 0) || !(m > 0))
        return 0;
    double scale = 1 / n + 1 / m;
    for (size_t i = 0; i + 1 < cells; i++) {
        a += (double)reference[i];
        b += (double)current[i];
        double gap = a / n - b / m, pooled = (a + b) / (n + m);
        // Without a division by zero where both are empty or both are full.
        if (gap * gap > SUSPICIOUS * pooled * (1 - pooled) * scale)
            return 1;
    }
    return 0;
}

void weir_unit_diagnose(const struct weir_unit_question *question, struct weir_unit_change *change)
{
    struct unit_reference reference;
    memset(change, 0, sizeof *change);
    if (question->current->total < LEAST_VALUES ||
        !unit_reference_make(question->reference, &reference))
        return;
    change->noise = unit_noise(question->reference, question->current);
    for (size_t i = 0; i < reference.cuts; i++) {
        double at = reference.cut[i], doubt = 0;
        double gap = fabs(weir_law_below(question->reference, at, &doubt) -
                          weir_law_below(question->current, at, &doubt));
        change->distance = fmax(change->distance, gap - doubt);
    }
    change->distance = clamp(change->distance, 0, 1);
    unit_diagnose_all(question, &reference, change);
    if (change->finding == WEIR_UNIT_NOTHING)
        unit_diagnose_part(question, &reference, change);
}
