// SPDX-License-Identifier: Apache-2.0
#include "stats/cleanliness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "stats/hll.h"
#include "stats/top.h"

// Shares: by a point and twofold (nulls, invalid values); half a point and fivefold (outliers,
// garbage). Spread: ln of its ratio, a middle that moved by less than so many spreads. Distinct
// values: a factor. Entropy: bits.
static const double SHARE = 0.01, FACTOR = 2, LOCAL_SHARE = 0.005, LOCAL_FACTOR = 4;
static const double SPREAD = 0.1, MIDDLE = 0.1, DISTINCT = 2.5, BITS = 0.3;
static const double MOST_OUTLIERS = 0.2;

const char *weir_cleanliness_name(enum weir_cleanliness_aspect aspect)
{
    static const char *const names[WEIR_CLEAN_ASPECTS] = {
        "nulls", "invalid values", "outliers", "spread", "resolution", "garbage", "entropy"};
    return names[aspect];
}

double weir_entropy(const uint64_t *count, size_t n)
{
    double all = 0, sum = 0, filled = 0;
    for (size_t i = 0; i < n; i++)
        all += (double)count[i];
    for (size_t i = 0; i < n; i++) {
        double share = all > 0 ? (double)count[i] / all : 0;
        if (!(share > 0))
            continue;
        sum -= share * log2(share);
        filled++;
    }
    return filled > 0 ? sum + (filled - 1) / (2 * all * M_LN2) : 0;
}

// Two shares; those of serving count for less where windows vary. Half a record each, so that none
// of a few is not certain.
static void compare_shares(double a, double n, double b, double m, double dispersion, double least,
                           double factor, double z_least, struct weir_cleanliness *out)
{
    if (!(n > 0) || !(m > 0))
        return;
    double p = a / n, q = b / m, worth = m / dispersion;
    double pooled = (a + q * worth + 0.5) / (n + worth + 1);
    double error = sqrt(pooled * (1 - pooled) * (1 / n + 1 / worth));
    out->before = p;
    out->after = q;
    out->z = error > 0 ? (q - p) / error : 0;
    if (fabs(out->z) >= z_least && fabs(q - p) >= least && fmax(p, q) >= factor * fmin(p, q))
        out->changed = q > p ? 1 : -1;
}

static void compare_nulls(const struct weir_unlike *field, double z_least,
                          struct weir_cleanliness *out)
{
    const struct weir_summary *a = field->side[0], *b = field->side[1];
    compare_shares((double)(a->null + a->missing), (double)a->rows, (double)(b->null + b->missing),
                   (double)b->rows, field->dispersion, SHARE, FACTOR, z_least, out);
}

static double invalid_of(const struct weir_summary *one)
{
    return (double)(one->nan + one->infinite_low + one->infinite_high + one->empty);
}

static void compare_invalid(const struct weir_unlike *field, double z_least,
                            struct weir_cleanliness *out)
{
    const struct weir_summary *a = field->side[0], *b = field->side[1];
    compare_shares(invalid_of(a), (double)a->values, invalid_of(b), (double)b->values,
                   field->dispersion, SHARE, FACTOR, z_least, out);
}

// Whether the middle is where it was: what moved as a whole has no outliers.
static int is_in_place(const struct weir_unlike *field)
{
    if (!weir_unlike_has_numbers(field))
        return 1;
    double middle = weir_law_quantile(&field->law[0], .5),
           now = weir_law_quantile(&field->law[1], .5);
    double wide = weir_law_quantile(&field->law[0], .95) - weir_law_quantile(&field->law[0], .05);
    return fabs(now - middle) <= MIDDLE * fmax(wide, 0);
}

static void compare_outliers(const struct weir_unlike *field, double z_least,
                             struct weir_cleanliness *out)
{
    const struct weir_summary *const *side = field->side;
    double far[2], all[2] = {0, 0};
    if (side[0]->shape != WEIR_SHAPE_NUMERIC || !side[0]->cell || !side[1]->cell ||
        side[0]->cells->n != side[1]->cells->n || side[0]->cells->n < 8)
        return;
    size_t last = side[0]->cells->n - 1;
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i <= last; i++)
            all[k] += (double)side[k]->cell[i];
        far[k] = (double)(side[k]->cell[0] + side[k]->cell[last]);
    }
    // Few values have outermost cells that are no tails.
    if (far[0] > 0.02 * all[0])
        return;
    compare_shares(far[0], all[0], far[1], all[1], field->dispersion, LOCAL_SHARE, LOCAL_FACTOR,
                   z_least, out);
    // Fewer than two of a thousand is not cleaner, and a fifth of all are no outliers.
    out->changed = out->changed > 0 && out->after <= MOST_OUTLIERS && is_in_place(field);
}

// ln of the 5 to 95% spread, and its standard error by what the quantiles may be of so many values:
// heavy tails and atoms are in it.
static double spread_of(const struct weir_unlike *field, int side, double *error)
{
    static const double at = .05, z = 3;
    const struct weir_law *law = &field->law[side];
    double off = z * sqrt(at * (1 - at) / field->n[side]);
    double least = weir_law_quantile(law, 1 - at - off) - weir_law_quantile(law, at + off);
    double most =
        weir_law_quantile(law, fmin(1 - at + off, 1)) - weir_law_quantile(law, fmax(at - off, 0));
    *error = least > 0 ? log(most / least) / (2 * z) : INFINITY;
    return weir_law_quantile(law, 1 - at) - weir_law_quantile(law, at);
}

// Wider about the same middle, on both sides of it.
static void compare_noise(const struct weir_unlike *field, double z_least,
                          struct weir_cleanliness *out)
{
    double error[2], wide[2], middle[2], low[2], high[2];
    if (!weir_unlike_has_numbers(field))
        return;
    for (int k = 0; k < 2; k++) {
        wide[k] = spread_of(field, k, &error[k]);
        middle[k] = weir_law_quantile(&field->law[k], .5);
        low[k] = middle[k] - weir_law_quantile(&field->law[k], .05);
        high[k] = weir_law_quantile(&field->law[k], .95) - middle[k];
        if (!(wide[k] > 0) || !(low[k] > 0) || !(high[k] > 0) || !isfinite(error[k]))
            return;
    }
    double ratio = log(wide[1] / wide[0]);
    out->before = wide[0];
    out->after = wide[1];
    out->z = ratio / sqrt(error[0] * error[0] + error[1] * error[1]);
    double below = log(low[1] / low[0]), above = log(high[1] / high[0]);
    int both = fmin(below, above) > SPREAD / 3 || fmax(below, above) < -SPREAD / 3;
    if (fabs(out->z) >= z_least && fabs(ratio) >= SPREAD && both &&
        fabs(middle[1] - middle[0]) < MIDDLE * wide[0])
        out->changed = ratio > 0 ? 1 : -1;
}

// Distinct values grow with the sample, but never faster than in proportion and never shrink: so
// of n and m values the bounds below hold whatever the distribution.
static void compare_resolution(const struct weir_unlike *field, struct weir_cleanliness *out)
{
    const struct weir_summary *a = field->side[0], *b = field->side[1];
    if (a->shape != WEIR_SHAPE_NUMERIC || !a->distinct || !b->distinct)
        return;
    // NaN is no value among others: only the rest is there to be distinct.
    double n = (double)(a->values - a->nan), m = (double)(b->values - b->nan);
    if (!(n >= 1000) || !(m >= 1000))
        return;
    double d = weir_hll_estimate(a->distinct), e = weir_hll_estimate(b->distinct);
    if (!(d >= 1) || !(e >= 1))
        return;
    double more = m / n;
    double most = d * fmax(more, 1), least = d * fmin(more, 1);
    out->before = d;
    out->after = e;
    // An HyperLogLog's error is 1.6%: far below the factor.
    out->z = e > most ? log(e / most) / 0.023 : e < least ? log(e / least) / 0.023 : 0;
    if (e > DISTINCT * most || e * DISTINCT < least)
        out->changed = e > most ? 1 : -1;
}

// Values never seen before, most of them once: typing errors, free text, broken joins. New
// categories come again and again.
static void compare_garbage(const struct weir_unlike *field, double z_least,
                            struct weir_cleanliness *out)
{
    const struct weir_summary *a = field->side[0], *b = field->side[1];
    const struct weir_top_entry *first;
    if (a->shape != WEIR_SHAPE_CATEGORICAL || !a->cells || !a->cells->known || !b->top)
        return;
    double expected = a->cells->unseen_share, n = (double)a->values;
    compare_shares(expected * n, n, (double)b->unseen, (double)b->values, field->dispersion,
                   LOCAL_SHARE, LOCAL_FACTOR, z_least, out);
    if (out->changed <= 0 || !weir_top_sorted(b->top, &first, 1)) {
        out->changed = 0;
        return;
    }
    // Where the commonest value that is no category is a good part of the new ones, it is one.
    if ((double)first->count > 0.1 * (double)b->unseen)
        out->changed = 0;
}

static void compare_entropy(const struct weir_unlike *field, double z_least,
                            struct weir_cleanliness *out)
{
    const struct weir_summary *a = field->side[0], *b = field->side[1];
    if (a->shape != WEIR_SHAPE_CATEGORICAL || !a->cell || !b->cell || a->cells->n != b->cells->n ||
        a->values < 100 || b->values < 100)
        return;
    out->before = weir_entropy(a->cell, a->cells->n);
    out->after = weir_entropy(b->cell, b->cells->n);
    // The variance of ln p over the values, at most ln(cells)^2 / 4 and about a bit squared.
    double error = sqrt(1 / field->n[0] + 1 / field->n[1]);
    out->z = (out->after - out->before) / error;
    if (fabs(out->z) >= z_least && fabs(out->after - out->before) >= BITS)
        out->changed = out->after > out->before ? 1 : -1;
}

void weir_cleanliness_compare(const struct weir_unlike *field, double z_least,
                              struct weir_cleanliness out[WEIR_CLEAN_ASPECTS])
{
    memset(out, 0, WEIR_CLEAN_ASPECTS * sizeof *out);
    compare_nulls(field, z_least, &out[WEIR_CLEAN_NULL]);
    compare_invalid(field, z_least, &out[WEIR_CLEAN_INVALID]);
    compare_outliers(field, z_least, &out[WEIR_CLEAN_OUTLIER]);
    compare_noise(field, z_least, &out[WEIR_CLEAN_NOISE]);
    compare_resolution(field, &out[WEIR_CLEAN_RESOLUTION]);
    compare_garbage(field, z_least, &out[WEIR_CLEAN_GARBAGE]);
    compare_entropy(field, z_least, &out[WEIR_CLEAN_ENTROPY]);
}

void weir_cleanliness_text(enum weir_cleanliness_aspect aspect, const struct weir_cleanliness *one,
                           char *out, size_t size)
{
    double a = one->before, b = one->after;
    switch (aspect) {
    case WEIR_CLEAN_NULL:
        snprintf(out, size, "%.3g%% null (%.3g%% in training)", 100 * b, 100 * a);
        return;
    case WEIR_CLEAN_INVALID:
        snprintf(out, size, "%.3g%% NaN, infinite or empty (%.3g%% in training)", 100 * b, 100 * a);
        return;
    case WEIR_CLEAN_OUTLIER:
        snprintf(out, size, "%.3g%% beyond nearly all of training, where %.2g%% are", 100 * b,
                 100 * a);
        return;
    case WEIR_CLEAN_NOISE:
        snprintf(out, size,
                 "spread %.3g times training's about the same middle (5 to 95%%: %.3g "
                 "wide, %.3g in training)",
                 b / a, b, a);
        return;
    case WEIR_CLEAN_RESOLUTION:
        snprintf(out, size, "%s: %.0f distinct values (%.0f in training)",
                 one->changed < 0 ? "coarser values" : "finer values", b, a);
        return;
    case WEIR_CLEAN_GARBAGE:
        snprintf(out, size, "%.3g%% values never seen that hardly come twice (%.2g%% expected)",
                 100 * b, 100 * a);
        return;
    default:
        snprintf(out, size, "entropy %.3g bits (%.3g in training)", b, a);
        return;
    }
}
