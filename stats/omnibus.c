// SPDX-License-Identifier: Apache-2.0
// The omnibus decision of two_sample.h.
#include <float.h>
#include <math.h>
#include <string.h>

#include "stats/bridge.h"
#include "stats/special.h"
#include "stats/two_sample.h"

// Below it a cell has too few expected counts for a degree of freedom of its own.
#define LEAST_EXPECTED 3.0
#define LEAST_SCALE_DF 20.0
#define LARGEST_SCORE 37.0

struct sizes {
    double reference, current, all;
    size_t cells;
};

static double expected_of(const struct sizes *size, double cell)
{
    return cell * (fmin(size->reference, size->current) / size->all);
}

// The normal score of the mid-p of `x`: standard normal under the null but for discreteness.
static double score_of(const struct weir_hypergeometric *h)
{
    if (!(h->point < 1)) // one possible outcome says nothing; NaN cannot be, and is the same
        return 0;
    if (h->upper <= h->lower)
        return fmin(weir_normal_upper_quantile(h->upper - 0.5 * h->point), LARGEST_SCORE);
    return fmax(weir_normal_quantile(h->lower - 0.5 * h->point), -LARGEST_SCORE);
}

static double two_sided(const struct weir_hypergeometric *h)
{
    double p = 2 * fmin(h->upper, h->lower);
    return p < 1 ? p : 1;
}

static void set_part(struct weir_omnibus *out, enum weir_omnibus_part part, double value, double p)
{
    out->parts[part] = (struct weir_test){value, p < 1 ? (p > 0 ? p : 0) : 1, WEIR_TEST_OK};
}

static void skip_part(struct weir_omnibus *out, enum weir_omnibus_part part,
                      enum weir_test_status status)
{
    out->parts[part] = (struct weir_test){0, 1, status};
}

// Anderson-Darling and Berk-Jones: one pass over the cuts.
static void test_cuts(const struct weir_cell_counts *counts, const struct sizes *size,
                      struct weir_omnibus *out)
{
    double mass[WEIR_ORDERED_CELLS_MAXIMUM], weight[WEIR_ORDERED_CELLS_MAXIMUM];
    double f = 0, g = 0, before = 0, sum = 0, least = 2;
    size_t cuts = 0;
    mass[0] = weight[0] = 0;
    for (size_t i = 0; i < counts->n; i++) {
        double cell = counts->reference[i] + counts->current[i];
        if (cell <= 0)
            continue;
        if (f + g > 0) {
            struct weir_hypergeometric h = weir_hypergeometric(g, size->all, f + g, size->current);
            double z = score_of(&h), p = two_sided(&h);
            mass[cuts] = (f + g) / size->all;
            weight[cuts] = 0.5 * (before + cell) / size->all;
            sum += weight[cuts] * z * z;
            cuts++;
            if (p < least) {
                least = p;
                out->cell = i;
            }
        }
        before = cell;
        f += counts->reference[i];
        g += counts->current[i];
    }
    set_part(out, WEIR_OMNIBUS_ANDERSON_DARLING, sum,
             weir_bridge_quadratic(mass, weight, cuts, sum));
    double level = fmin(weir_normal_upper_quantile(least / 2), LARGEST_SCORE);
    set_part(out, WEIR_OMNIBUS_BERK_JONES, -log(fmax(least, DBL_MIN)),
             level > 0 ? weir_bridge_crossing_level(mass, level, cuts) : 1);
}

// Categories: the smallest exact p of one cell against all others, by Bonferroni.
static void test_cells(const struct weir_cell_counts *counts, const struct sizes *size,
                       struct weir_omnibus *out)
{
    double least = 2;
    for (size_t i = 0; i < counts->n; i++) {
        double cell = counts->reference[i] + counts->current[i];
        if (cell <= 0)
            continue;
        struct weir_hypergeometric h =
            weir_hypergeometric(counts->current[i], size->all, cell, size->current);
        double p = two_sided(&h);
        if (p < least) {
            least = p;
            out->cell = i;
        }
    }
    // With two cells both say the same.
    double tests = size->cells == 2 ? 1 : (double)size->cells;
    set_part(out, WEIR_OMNIBUS_BERK_JONES, -log(fmax(least, DBL_MIN)), fmin(least, 1) * tests);
}

// The chain of cells, each given those before it. Cells of too small an expectation are taken
// together: with the next one if ordered, all in one group at the end if not.
struct chain {
    double reference, current; // what is left after the cells so far
    double sum;
    double df;
};

static void chain_add(struct chain *chain, double a, double b)
{
    double population = chain->reference + chain->current;
    chain->reference = fmax(chain->reference - a, 0);
    chain->current = fmax(chain->current - b, 0);
    if (chain->reference + chain->current <= 0)
        return; // the last one is given by the others
    struct weir_hypergeometric h =
        weir_hypergeometric(b, population, fmin(a + b, population), chain->current + b);
    double z = score_of(&h);
    chain->sum += z * z;
    chain->df++;
}

static void test_chain(const struct weir_cell_counts *counts, const struct sizes *size,
                       struct weir_omnibus *out)
{
    struct chain chain = {size->reference, size->current, 0, 0};
    double a = 0, b = 0; // small ones waiting for company
    for (size_t i = 0; i < counts->n; i++) {
        double cell_a = counts->reference[i], cell_b = counts->current[i];
        if (!counts->ordered && expected_of(size, cell_a + cell_b) >= LEAST_EXPECTED) {
            chain_add(&chain, cell_a, cell_b);
            continue;
        }
        a += cell_a;
        b += cell_b;
        double left = chain.reference + chain.current - a - b;
        if (counts->ordered && expected_of(size, a + b) >= LEAST_EXPECTED &&
            expected_of(size, left) >= LEAST_EXPECTED) {
            chain_add(&chain, a, b);
            a = b = 0;
        }
    }
    if (a + b > 0)
        chain_add(&chain, a, b);
    if (chain.df > 0)
        set_part(out, WEIR_OMNIBUS_CHI_SQUARE, chain.sum, weir_chi_square_sf(chain.sum, chain.df));
    else
        skip_part(out, WEIR_OMNIBUS_CHI_SQUARE, WEIR_TEST_TOO_FEW);
}

// A point of the pooled mass: its normal score, the density there, and their product (0 at the
// ends).
struct point {
    double density, product;
};

static struct point point_at(double mass)
{
    if (!(mass > 0) || !(mass < 1))
        return (struct point){0, 0};
    double z = weir_normal_quantile(mass), density = weir_normal_density(z);
    return (struct point){density, z * density};
}

static void test_scale(const struct weir_cell_counts *counts, const struct sizes *size,
                       struct weir_omnibus *out)
{
    double low = 0, sum[2][2] = {{0, 0}, {0, 0}}, fourth = 0;
    struct point before = {0, 0};
    for (size_t i = 0; i < counts->n; i++) {
        double a = counts->reference[i], b = counts->current[i], cell = a + b;
        if (cell <= 0)
            continue;
        double share = cell / size->all, high = fmin((low * size->all + cell) / size->all, 1);
        if (1 - high < 1e-15)
            high = 1;
        // First and second moments of the normal scores between low and high.
        struct point after = point_at(high);
        double first = (before.density - after.density) / share;
        double second = 1 + (before.product - after.product) / share;
        before = after;
        sum[0][0] += a * first;
        sum[0][1] += a * second;
        sum[1][0] += b * first;
        sum[1][1] += b * second;
        fourth += share * second * second;
        low = high;
    }
    const double n[2] = {size->reference, size->current};
    double variance[2], df[2];
    for (int s = 0; s < 2; s++) {
        double mean = sum[s][0] / n[s];
        variance[s] = (sum[s][1] - n[s] * mean * mean) / (n[s] - 1);
        df[s] = 2 * (n[s] - 1) / (fourth - 1);
    }
    if (!(fourth > 1) || !(fmin(df[0], df[1]) >= LEAST_SCALE_DF) || !(variance[0] > 0) ||
        !(variance[1] > 0)) {
        skip_part(out, WEIR_OMNIBUS_SCALE, WEIR_TEST_TOO_FEW);
        return;
    }
    double ratio = variance[1] / variance[0];
    double upper = weir_f_sf(ratio, df[1], df[0]);
    // The lower tail on its own only where it is small: what is left of one is as exact elsewhere.
    double lower = upper < 0.99 ? 1 - upper : weir_f_cdf(ratio, df[1], df[0]);
    double p = 2 * fmin(upper, lower);
    set_part(out, WEIR_OMNIBUS_SCALE, log(ratio), p);
}

static enum weir_test_status measure(const struct weir_cell_counts *counts, struct sizes *size)
{
    *size = (struct sizes){0, 0, 0, 0};
    for (size_t i = 0; i < counts->n; i++) {
        double a = counts->reference[i], b = counts->current[i];
        if (!(a >= 0) || !(b >= 0) || !(a + b <= 0x1p53) || b != floor(b))
            return WEIR_TEST_BAD_INPUT;
        size->reference += a;
        size->current += b;
        size->cells += a + b > 0;
    }
    size->all = size->reference + size->current;
    if (!(size->all <= 0x1p53) || (counts->ordered && counts->n > WEIR_ORDERED_CELLS_MAXIMUM))
        return WEIR_TEST_BAD_INPUT;
    if (!(size->reference > 0))
        return WEIR_TEST_REFERENCE_EMPTY;
    if (!(size->current > 0))
        return WEIR_TEST_CURRENT_EMPTY;
    if (size->cells < 2)
        return WEIR_TEST_ONE_VALUE;
    return size->reference < 2 || size->current < 2 ? WEIR_TEST_TOO_FEW : WEIR_TEST_OK;
}

static void combine(struct weir_omnibus *out)
{
    double least = 2;
    for (int i = 0; i < WEIR_OMNIBUS_PARTS; i++) {
        if (out->parts[i].status != WEIR_TEST_OK)
            continue;
        out->tests++;
        if (out->parts[i].p_value < least) {
            least = out->parts[i].p_value;
            out->part = (enum weir_omnibus_part)i;
        }
    }
    double p = least < 1 ? -expm1(out->tests * log1p(-least)) : 1;
    out->p_value = fmax(p, 1e-304);
    out->value = out->p_value < 1 ? -log(out->p_value) : 0;
}

enum weir_test_status weir_omnibus(const struct weir_cell_counts *counts, struct weir_omnibus *out)
{
    struct sizes size;
    memset(out, 0, sizeof *out);
    out->p_value = 1;
    out->status = measure(counts, &size);
    for (int i = 0; i < WEIR_OMNIBUS_PARTS; i++)
        skip_part(out, (enum weir_omnibus_part)i, out->status);
    if (out->status != WEIR_TEST_OK)
        return out->status;
    if (!counts->ordered) {
        skip_part(out, WEIR_OMNIBUS_ANDERSON_DARLING, WEIR_TEST_NOT_ORDERED);
        skip_part(out, WEIR_OMNIBUS_SCALE, WEIR_TEST_NOT_ORDERED);
        test_cells(counts, &size, out);
    } else {
        test_cuts(counts, &size, out);
    }
    if (size.cells == 2) {
        // One cut: all four would be the same test, and Berk-Jones is exact there.
        for (int i = 0; i < WEIR_OMNIBUS_PARTS; i++)
            if (i != WEIR_OMNIBUS_BERK_JONES)
                skip_part(out, (enum weir_omnibus_part)i, WEIR_TEST_NOT_APPLICABLE);
    } else {
        test_chain(counts, &size, out);
        if (counts->ordered)
            test_scale(counts, &size, out);
    }
    combine(out);
    return WEIR_TEST_OK;
}
