// SPDX-License-Identifier: Apache-2.0
#include "stats/two_sample.h"

#include <math.h>
#include <string.h>

#include "stats/bridge.h"
#include "stats/special.h"

#define LN2 0.69314718055994530942
#define PI 3.14159265358979323846

const char *weir_test_status_text(enum weir_test_status status)
{
    switch (status) {
    case WEIR_TEST_OK:
        return "ok";
    case WEIR_TEST_REFERENCE_EMPTY:
        return "the reference holds no value";
    case WEIR_TEST_CURRENT_EMPTY:
        return "the current sample holds no value";
    case WEIR_TEST_ONE_VALUE:
        return "all values are the same";
    case WEIR_TEST_TOO_FEW:
        return "too few values";
    case WEIR_TEST_NOT_ORDERED:
        return "the values have no order";
    case WEIR_TEST_NOT_APPLICABLE:
        return "not defined for these values";
    case WEIR_TEST_TOO_MANY:
        return "too many values for the exact distribution";
    case WEIR_TEST_NO_MEMORY:
        return "out of memory";
    case WEIR_TEST_BAD_INPUT:
        return "the counts are not valid";
    case WEIR_TEST_NO_ROWS:
        return "needs the rows of both: profiles and windows have none";
    }
    return "unknown";
}

struct totals {
    double reference, current;
    size_t cells; // with a count in either
};

static enum weir_test_status add_up(const struct weir_cell_counts *counts, struct totals *out)
{
    struct totals t = {0, 0, 0};
    for (size_t i = 0; i < counts->n; i++) {
        double a = counts->reference[i], b = counts->current[i];
        if (!(a >= 0) || !(b >= 0) || !(a + b <= 0x1p53) || b != floor(b))
            return WEIR_TEST_BAD_INPUT;
        t.reference += a;
        t.current += b;
        t.cells += a + b > 0;
    }
    if (!(t.reference + t.current <= 0x1p53) ||
        (counts->ordered && counts->n > WEIR_ORDERED_CELLS_MAXIMUM))
        return WEIR_TEST_BAD_INPUT;
    *out = t;
    if (!(t.reference > 0))
        return WEIR_TEST_REFERENCE_EMPTY;
    return t.current > 0 ? WEIR_TEST_OK : WEIR_TEST_CURRENT_EMPTY;
}

static double root(double square)
{
    return square > 0 ? sqrt(square) : 0;
}

// p ln(p / q) with 0 at p = 0.
static double entropy(double p, double q)
{
    return p > 0 ? p * log(p / q) : 0;
}

static void cut_distances(const struct weir_cell_counts *counts, const struct totals *t,
                          double *above, double *below)
{
    double f = 0, g = 0;
    *above = *below = 0;
    for (size_t i = 0; i + 1 < counts->n; i++) {
        f += counts->reference[i];
        g += counts->current[i];
        double gap = f / t->reference - g / t->current;
        *above = fmax(*above, gap);
        *below = fmax(*below, -gap);
    }
}

static double pearson(const struct weir_cell_counts *counts, const struct totals *t)
{
    // The reference's and the current cell's terms of the 2 x B table in one.
    double sum = 0, ratio = sqrt(t->current / t->reference);
    for (size_t i = 0; i < counts->n; i++) {
        double a = counts->reference[i], b = counts->current[i];
        if (a + b > 0) {
            double gap = a * ratio - b / ratio;
            sum += gap * gap / (a + b);
        }
    }
    return sum;
}

enum weir_test_status weir_cell_distances(const struct weir_cell_counts *counts,
                                          struct weir_cell_distances *out)
{
    struct totals t;
    memset(out, 0, sizeof *out);
    enum weir_test_status status = add_up(counts, &t);
    if (status != WEIR_TEST_OK)
        return status;
    struct weir_cell_distances d = {.cells = t.cells};
    double js = 0, affinity = 0, spread = 0;
    double noise = 1 / t.reference + 1 / t.current;
    for (size_t i = 0; i < counts->n; i++) {
        double a = counts->reference[i], b = counts->current[i];
        if (a + b <= 0)
            continue;
        double p = a / t.reference, q = b / t.current, half = 0.5 * (p + q);
        double ps = a > 0 ? p : 0.5 / t.reference, qs = b > 0 ? q : 0.5 / t.current;
        d.psi += (qs - ps) * log(qs / ps);
        d.kl += qs * log(qs / ps);
        js += 0.5 * (entropy(p, half) + entropy(q, half));
        affinity += 0.5 * (sqrt(p) - sqrt(q)) * (sqrt(p) - sqrt(q));
        d.total_variation += 0.5 * fabs(p - q);
        if (fabs(p - q) > d.l_infinity) {
            d.l_infinity = fabs(p - q);
            d.l_infinity_cell = i;
        }
        double pooled = (a + b) / (t.reference + t.current);
        spread += 0.5 * sqrt(2 / PI * pooled * (1 - pooled) * noise);
    }
    double chance = ((double)t.cells - 1) * noise;
    d.kl = fmax(d.kl, 0); // shares that stand for zeros do not add up to one
    d.psi_debiased = d.psi - chance;
    d.jensen_shannon = root(js / LN2);
    d.jensen_shannon_debiased = root(js / LN2 - chance / (8 * LN2));
    d.hellinger = root(affinity);
    d.hellinger_debiased = root(affinity - chance / 8);
    d.total_variation_debiased = root(d.total_variation * d.total_variation - spread * spread);
    d.cramers_v = root(pearson(counts, &t) / (t.reference + t.current));
    if (counts->ordered) {
        double above, below;
        cut_distances(counts, &t, &above, &below);
        d.ks = fmax(above, below);
        d.ks_debiased = root(d.ks * d.ks - PI / 2 * LN2 * LN2 * noise);
        d.kuiper = above + below;
    }
    *out = d;
    return WEIR_TEST_OK;
}

static struct weir_test result(double value, double p)
{
    return (struct weir_test){value, p < 1 ? p : 1, WEIR_TEST_OK};
}

static void test_cuts(const struct weir_cell_counts *counts, const struct totals *t,
                      unsigned wanted, struct weir_cell_tests *out)
{
    double mass[WEIR_ORDERED_CELLS_MAXIMUM], bound[WEIR_ORDERED_CELLS_MAXIMUM];
    double weight[WEIR_ORDERED_CELLS_MAXIMUM];
    double above, below, f = 0, g = 0, t_value = 0, n = t->reference + t->current;
    double effective = t->reference * (t->current / n);
    size_t cuts = 0;
    mass[0] = weight[0] = bound[0] = 0;
    cut_distances(counts, t, &above, &below);
    double ks = fmax(above, below), before = 0;
    for (size_t i = 0; i < counts->n; i++) {
        double cell = counts->reference[i] + counts->current[i];
        if (cell <= 0)
            continue;
        // The cut before this cell ends here: its weight is the mean of its neighbours' masses.
        if (f + g > 0) {
            double here = (f + g) / n, gap = f / t->reference - g / t->current;
            double spread = here * (1 - here);
            mass[cuts] = here;
            bound[cuts] = ks > 0 ? ks * sqrt(effective / spread) : 1e-9;
            weight[cuts] = 0.5 * (before + cell) / n * spread;
            t_value += 0.5 * (before + cell) / n * effective * gap * gap;
            cuts++;
        }
        before = cell;
        f += counts->reference[i];
        g += counts->current[i];
    }
    if (wanted & WEIR_CELL_TEST_SQUARES)
        out->cramer_von_mises = result(t_value, weir_bridge_quadratic(mass, weight, cuts, t_value));
    if (!(wanted & WEIR_CELL_TEST_CUTS))
        return;
    // Both are upper bounds; the second is the sharper one where cells are many.
    double crossing = ks > 0 ? weir_bridge_crossing(mass, bound, cuts) : 1;
    out->ks = result(ks, fmin(crossing, weir_kolmogorov_sf(ks * sqrt(effective))));
    double v = above + below, size = sqrt(effective);
    out->kuiper = result(v, weir_kuiper_sf((size + 0.155 + 0.24 / size) * v));
}

static double likelihood_ratio(const struct weir_cell_counts *counts, const struct totals *t)
{
    double sum = 0, n = t->reference + t->current;
    for (size_t i = 0; i < counts->n; i++) {
        double a = counts->reference[i], b = counts->current[i], cell = (a + b) / n;
        sum += entropy(a, cell * t->reference) + entropy(b, cell * t->current);
    }
    return sum > 0 ? 2 * sum : 0;
}

static void set_all(struct weir_cell_tests *out, enum weir_test_status status)
{
    struct weir_test none = {0, 1, status};
    *out = (struct weir_cell_tests){none, none, none, none, none, none, none, none};
}

static double largest_ratio(const struct weir_cell_counts *counts, const struct totals *t)
{
    double f = 0, g = 0, best = 0, n = t->reference + t->current;
    for (size_t i = 0; i + 1 < counts->n; i++) {
        f += counts->reference[i];
        g += counts->current[i];
        double h = (f + g) / n;
        if (h <= 0 || h >= 1)
            continue;
        double r = t->reference, c = t->current;
        best = fmax(best, entropy(f, h * r) + entropy(fmax(r - f, 0), (1 - h) * r) +
                              entropy(g, h * c) + entropy(fmax(c - g, 0), (1 - h) * c));
    }
    return best;
}

enum weir_test_status weir_cell_tests(const struct weir_cell_counts *counts,
                                      struct weir_cell_tests *out)
{
    return weir_cell_tests_of(
        counts, WEIR_CELL_TEST_CUTS | WEIR_CELL_TEST_SQUARES | WEIR_CELL_TEST_OMNIBUS, out);
}

enum weir_test_status weir_cell_tests_of(const struct weir_cell_counts *counts, unsigned wanted,
                                         struct weir_cell_tests *out)
{
    struct totals t;
    enum weir_test_status status = add_up(counts, &t);
    if (status == WEIR_TEST_OK && t.cells < 2)
        status = WEIR_TEST_ONE_VALUE;
    set_all(out, status);
    if (status != WEIR_TEST_OK)
        return status;
    double df = (double)t.cells - 1, x = pearson(counts, &t), g = likelihood_ratio(counts, &t);
    set_all(out, WEIR_TEST_NOT_ORDERED);
    out->chi_square = result(x, weir_chi_square_sf(x, df));
    out->g = result(g, weir_chi_square_sf(g, df));
    if (!counts->ordered)
        return WEIR_TEST_OK;
    if (wanted & (WEIR_CELL_TEST_CUTS | WEIR_CELL_TEST_SQUARES))
        test_cuts(counts, &t, wanted, out);
    if (!(wanted & WEIR_CELL_TEST_OMNIBUS))
        return WEIR_TEST_OK;
    struct weir_omnibus omnibus;
    weir_omnibus(counts, &omnibus);
    out->anderson_darling = omnibus.parts[WEIR_OMNIBUS_ANDERSON_DARLING];
    out->scale = omnibus.parts[WEIR_OMNIBUS_SCALE];
    out->berk_jones = omnibus.parts[WEIR_OMNIBUS_BERK_JONES];
    if (out->berk_jones.status == WEIR_TEST_OK)
        out->berk_jones.value = largest_ratio(counts, &t);
    return WEIR_TEST_OK;
}
