// SPDX-License-Identifier: Apache-2.0
#include "stats/unlike.h"

#include <math.h>
#include <string.h>

#include "stats/summary.h"
#include "weir/error.h"

static const double LEAST = 100, NOISE = 1.95;

static int has_moments(const struct weir_summary *summary)
{
    return (summary->parts & WEIR_PART_MOMENTS) && summary->moments.n >= 2;
}

int weir_unlike_open(struct weir_unlike *field, const struct weir_summary *training,
                     const struct weir_summary *serving)
{
    const struct weir_summary *side[2] = {training, serving};
    int numbers = training->shape == WEIR_SHAPE_NUMERIC && serving->shape == WEIR_SHAPE_NUMERIC;
    if (!(field->dispersion >= 1))
        field->dispersion = 1;
    memset(field->law, 0, sizeof field->law);
    for (int k = 0; k < 2; k++) {
        const struct weir_summary *one = side[k];
        field->side[k] = one;
        field->mean[k] = field->sd[k] = NAN;
        field->n[k] = (double)one->values / (k == WEIR_SERVING ? field->dispersion : 1);
        if (!numbers)
            continue;
        if (has_moments(training) && has_moments(serving)) {
            field->mean[k] = weir_moments_mean(&one->moments, one->cells);
            field->sd[k] = sqrt(weir_moments_variance(&one->moments, one->cells));
        }
        if (training->quantiles && serving->quantiles &&
            weir_law_make(one->quantiles, &field->law[k]))
            return WEIR_ENOMEM;
    }
    return 0;
}

void weir_unlike_close(struct weir_unlike *field)
{
    weir_law_free(&field->law[0]);
    weir_law_free(&field->law[1]);
}

int weir_unlike_has_numbers(const struct weir_unlike *field)
{
    return field->law[0].total >= LEAST && field->law[1].total >= LEAST &&
           isfinite(field->mean[0]) && isfinite(field->mean[1]) && field->sd[0] > 0 &&
           field->sd[1] > 0;
}

double weir_unlike_noise(const struct weir_unlike *field)
{
    return NOISE * sqrt(1 / fmax(field->n[0], 1) + 1 / fmax(field->n[1], 1));
}

double weir_unlike_share(const struct weir_unlike *field, int side, double low, double high)
{
    const struct weir_law *law = &field->law[side];
    if (!(law->total > 0))
        return 0;
    double above = high < INFINITY ? weir_law_below(law, nextafter(high, INFINITY), NULL) : 1;
    return fmax(above - (low > -INFINITY ? weir_law_below(law, low, NULL) : 0), 0);
}

double weir_unlike_distance(const struct weir_unlike *field)
{
    const struct weir_summary *a = field->side[0], *b = field->side[1];
    double n = 0, m = 0, sum = 0, chance = 0;
    if (!a->cell || !b->cell || a->cells->n != b->cells->n)
        return 0;
    for (size_t i = 0; i < a->cells->n; i++) {
        n += (double)a->cell[i];
        m += (double)b->cell[i];
    }
    if (!(n > 0) || !(m > 0))
        return 0;
    double scale = 1 / n + field->dispersion / m;
    for (size_t i = 0; i < a->cells->n; i++) {
        double p = (double)a->cell[i] / n, q = (double)b->cell[i] / m,
               all = (p * n + q * m) / (n + m);
        sum += fabs(p - q) / 2;
        chance += sqrt(all * (1 - all) * scale * 2 / M_PI) / 2; // the mean of a half normal
    }
    return fmax(sum - chance, 0);
}

double weir_unlike_ks(const struct weir_unlike *field, const struct weir_unit_map *map)
{
    enum { LEVELS = 63 };
    double largest = 0;
    int falls = map->form == WEIR_UNIT_LINEAR && map->a < 0;
    for (int i = 1; i <= LEVELS; i++) {
        double x = weir_law_quantile(&field->law[0], i / (LEVELS + 1.0)), doubt = 0;
        double y = weir_unit_apply(map, x);
        if (isnan(y))
            continue;
        double then = weir_law_below(&field->law[0], x, &doubt);
        double now = weir_law_below(&field->law[1], y, &doubt);
        largest = fmax(largest, fabs((falls ? 1 - now : now) - then) - doubt);
    }
    return largest;
}

// Each value weighs by the difference of the two shares of its cell over their mean: near the
// likelihood ratio, and bounded.
double weir_unlike_way(const struct weir_unlike *field, const struct weir_summary *other,
                       double *error)
{
    const struct weir_summary *a = field->side[0], *b = field->side[1];
    double n[3] = {0, 0, 0}, at[3] = {0, 0, 0}, square = 0;
    const struct weir_summary *all[3] = {a, b, other};
    *error = 0;
    if (!a->cell || !b->cell || !other->cell || b->cells->n != a->cells->n ||
        other->cells->n != a->cells->n)
        return 1;
    for (size_t i = 0; i < a->cells->n; i++)
        for (int k = 0; k < 3; k++)
            n[k] += (double)all[k]->cell[i];
    if (!(n[0] > 0) || !(n[1] > 0) || !(n[2] > 0))
        return 1;
    for (size_t i = 0; i < a->cells->n; i++) {
        double p = (double)a->cell[i] / n[0], q = (double)b->cell[i] / n[1];
        double weight = p + q > 0 ? (q - p) / (p + q) : 0;
        double share[3] = {p, q, (double)other->cell[i] / n[2]};
        for (int k = 0; k < 3; k++)
            at[k] += weight * share[k];
        square += weight * weight * (share[2] + q) / 2;
    }
    double whole = at[1] - at[0];
    if (!(whole > 1e-9))
        return 1;
    *error = sqrt(fmax(square - at[2] * at[2], 0) / n[2]) / whole;
    return (at[2] - at[0]) / whole;
}
