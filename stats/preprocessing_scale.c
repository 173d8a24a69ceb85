// SPDX-License-Identifier: Apache-2.0
// Standardised, scaled to a range, logarithms, units: a line or a logarithm between two laws.
#include <math.h>

#include "stats/preprocessing.h"
#include "stats/unit_change.h"

// A KS distance that is worth explaining; what may be left of it, beside chance, and by how much
// it must have come down.
static const double LEAST = 0.1, LEFT = 0.03, REDUCED = 4;

enum { MEAN_SD, MEDIAN_RANGE, MIN_MAX, MIN_MAX_SIGNED, FORMS };

// Whether a side is as such a form would have it, and clearly not so. Ranges hold for the side on
// which it was learnt; new values may lie a little beyond.
struct fitting {
    int is, is_not;
};

static struct fitting standard(double centre, double spread, double slack)
{
    return (struct fitting){fabs(centre) < slack && fabs(spread - 1) < slack,
                            fabs(centre) > 1 || spread > 2 || spread < 0.5};
}

static struct fitting within(const struct weir_unlike *field, int side, double low, double high)
{
    const struct weir_moments *moments = &field->side[side]->moments;
    double wide = high - low, edge = (side == WEIR_SERVING ? 0.2 : 0.02) * wide;
    double beyond = side == WEIR_SERVING ? 0.2 * wide : 1e-9;
    int inside = moments->minimum >= low - beyond && moments->maximum <= high + beyond;
    int filled = moments->minimum < low + edge && moments->maximum > high - edge;
    return (struct fitting){inside && filled,
                            moments->minimum < low - wide || moments->maximum > high + wide};
}

static struct fitting fits(const struct weir_unlike *field, int side, int form)
{
    const struct weir_law *law = &field->law[side];
    double slack = side == WEIR_TRAINING ? 0.05 : 0.15;
    switch (form) {
    case MEAN_SD:
        return standard(field->mean[side], field->sd[side], slack + 3 / sqrt(field->n[side]));
    case MEDIAN_RANGE:
        return standard(weir_law_quantile(law, .5),
                        weir_law_quantile(law, .75) - weir_law_quantile(law, .25),
                        slack + 4 / sqrt(field->n[side]));
    case MIN_MAX:
        return within(field, side, 0, 1);
    default:
        return within(field, side, -1, 1);
    }
}

// The line from training to serving through two quantiles; a is 0 where there is none.
static struct weir_unit_map line_through(const struct weir_unlike *field, double low, double high)
{
    double x1 = weir_law_quantile(&field->law[0], low);
    double x2 = weir_law_quantile(&field->law[0], high);
    double y1 = weir_law_quantile(&field->law[1], low);
    double y2 = weir_law_quantile(&field->law[1], high);
    struct weir_unit_map map = {WEIR_UNIT_LINEAR, (y2 - y1) / (x2 - x1), 0};
    map.b = y1 - map.a * x1;
    if (!isfinite(map.a) || !isfinite(map.b) || !(map.a > 0))
        map.a = 0;
    return map;
}

static struct weir_unit_map line_by_moments(const struct weir_unlike *field)
{
    struct weir_unit_map map = {WEIR_UNIT_LINEAR, field->sd[1] / field->sd[0], 0};
    map.b = field->mean[1] - map.a * field->mean[0];
    return map;
}

// The line that leaves least, and what it leaves.
static double best_line(const struct weir_unlike *field, struct weir_unit_map *best)
{
    struct weir_unit_map tried[3] = {line_through(field, .25, .75), line_through(field, .1, .9),
                                     line_by_moments(field)};
    double least = INFINITY;
    for (int i = 0; i < 3; i++) {
        double left = tried[i].a > 0 ? weir_unlike_ks(field, &tried[i]) : INFINITY;
        if (left < least) {
            least = left;
            *best = tried[i];
        }
    }
    return least;
}

static int is_undone(const struct weir_unlike *field, double before, double after)
{
    return after <= weir_unlike_noise(field) + LEFT && after * REDUCED < before;
}

static int find_line(const struct weir_unlike *field, double before, struct weir_preprocessing *out)
{
    static const enum weir_preprocessing_kind kinds[FORMS] = {
        WEIR_PREPROCESSING_STANDARDISED, WEIR_PREPROCESSING_ROBUST, WEIR_PREPROCESSING_MIN_MAX,
        WEIR_PREPROCESSING_MIN_MAX_SIGNED};
    struct weir_unit_map map;
    double after = best_line(field, &map);
    if (!is_undone(field, before, after))
        return 0;
    for (int form = 0; form < FORMS; form++) {
        for (int side = 0; side < 2; side++) {
            if (!fits(field, side, form).is || !fits(field, !side, form).is_not)
                continue;
            *out = (struct weir_preprocessing){.kind = kinds[form],
                                               .done_on = side,
                                               .map = map,
                                               .before = before,
                                               .after = after,
                                               .share = 1};
            return 1;
        }
    }
    return 0;
}

static void take_change(const struct weir_unit_change *change, double before,
                        struct weir_preprocessing *out)
{
    const struct weir_unit_entry *entry = change->n_matches ? change->matches[0] : NULL;
    *out = (struct weir_preprocessing){.kind = WEIR_PREPROCESSING_UNIT,
                                       .done_on = WEIR_SERVING,
                                       .map = change->map,
                                       .from = entry ? entry->from : NULL,
                                       .to = entry ? entry->to : NULL,
                                       .before = before,
                                       .after = change->undone,
                                       .share = 1};
    if (change->finding == WEIR_UNIT_STANDARDISED || change->finding == WEIR_UNIT_RAW) {
        out->kind = WEIR_PREPROCESSING_STANDARDISED;
        out->done_on = change->finding == WEIR_UNIT_RAW ? WEIR_TRAINING : WEIR_SERVING;
    } else if (change->map.form != WEIR_UNIT_LINEAR) {
        out->kind = WEIR_PREPROCESSING_LOG;
        out->done_on = change->map.form == WEIR_UNIT_EXP ? WEIR_TRAINING : WEIR_SERVING;
    }
}

int weir_preprocessing_of_scale(const struct weir_unlike *field, struct weir_preprocessing *out)
{
    static const struct weir_unit_map same = {WEIR_UNIT_LINEAR, 1, 0};
    struct weir_unit_catalogue catalogue;
    struct weir_unit_change change;
    if (!weir_unlike_has_numbers(field))
        return 0;
    double before = weir_unlike_ks(field, &same);
    if (before < LEAST + weir_unlike_noise(field) ||
        weir_unit_catalogue_make(field->unit, field->name, &catalogue))
        return 0;
    struct weir_unit_question question = {&field->law[0], &field->law[1], &catalogue, 0};
    weir_unit_diagnose(&question, &change);
    int found = change.finding == WEIR_UNIT_ALL || change.finding == WEIR_UNIT_STANDARDISED ||
                change.finding == WEIR_UNIT_RAW;
    // Fractions may become percent; but a line that is no unit's and ends at 0 and 1 is scaling.
    int is_unit = change.finding == WEIR_UNIT_ALL;
    if (is_unit)
        take_change(&change, before, out);
    else if (find_line(field, before, out))
        found = 1;
    else if (found)
        take_change(&change, before, out);
    weir_unit_catalogue_free(&catalogue);
    return found;
}
