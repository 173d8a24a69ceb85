// SPDX-License-Identifier: Apache-2.0
#include "stats/summary_statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/cells.h"
#include "stats/ddsketch.h"
#include "stats/sketch_pair.h"
#include "stats/summary.h"

#define BIT(name) ((uint64_t)1 << WEIR_STATISTIC_##name)

static const uint64_t ON_CUTS =
    BIT(KS) | BIT(ANDERSON_DARLING) | BIT(CRAMER_VON_MISES) | BIT(KUIPER) | BIT(BERK_JONES);
static const uint64_t ON_TABLE = BIT(CHI_SQUARE) | BIT(G);
static const uint64_t DISTANCES = BIT(PSI) | BIT(JENSEN_SHANNON) | BIT(KL) | BIT(HELLINGER) |
                                  BIT(TOTAL_VARIATION) | BIT(L_INFINITY) | BIT(CRAMERS_V);
static const uint64_t SKETCHES = BIT(WASSERSTEIN) | BIT(WASSERSTEIN_NORMALISED) | BIT(ENERGY) |
                                 BIT(MANN_WHITNEY) | BIT(QUANTILE_SHIFT);
static const uint64_t CATEGORIES = BIT(FISHER) | BIT(NEW_CATEGORIES) | BIT(VANISHED_CATEGORIES);
static const uint64_t SHARES = BIT(NULL_RATE) | BIT(INFINITE_SHARE) | BIT(EMPTY_SHARE) |
                               BIT(UNSEEN_SHARE) | BIT(VANISHED_SHARE);

// Two summaries under comparison.
struct pair {
    const struct weir_summary *a, *b;
    int same_cells, numeric;
    uint64_t wanted;
    double *count_a, *count_b, *astray; // cells->n each
    struct weir_statistic_result *out;
};

static void set(const struct pair *pair, enum weir_statistic_id statistic, struct weir_test test,
                double bound)
{
    if (pair->wanted >> statistic & 1)
        pair->out[statistic] = (struct weir_statistic_result){test, bound, NAN, NAN};
}

static void set_status(const struct pair *pair, uint64_t statistics, enum weir_test_status status)
{
    for (unsigned i = 0; i < WEIR_STATISTICS; i++)
        if (statistics >> i & 1)
            set(pair, (enum weir_statistic_id)i, (struct weir_test){0, 1, status}, NAN);
}

static struct weir_test value_of(double value, enum weir_test_status status)
{
    return (struct weir_test){status == WEIR_TEST_OK ? value : 0, 1, status};
}

// ---- counts

struct recount {
    const struct weir_summary *a;
    double origin, minimum, maximum;
    double *counts, *astray;
};

static void count_bucket(void *context, double low, double high, uint64_t count)
{
    const struct recount *r = context;
    const struct weir_cells *cells = r->a->cells;
    double n = (double)count, x = r->origin + 0.5 * (low + high);
    // The outermost buckets reach as far as the values do, the others no farther.
    low = low <= -0x1p63 ? r->minimum : fmax(r->origin + low, r->minimum);
    high = high >= 0x1p63 ? r->maximum : fmin(r->origin + high, r->maximum);
    x = fmin(fmax(x, low), fmax(high, low));
    r->counts[weir_cells_find(cells, x)] += n;
    if (!r->astray)
        return;
    size_t first = weir_cells_find(cells, low), last = weir_cells_find(cells, high);
    for (size_t i = first; i <= last && first != last; i++)
        r->astray[i] += n;
}

static void count_categories(const struct weir_summary *a, const struct weir_summary *b,
                             double *counts)
{
    const struct weir_cells *to = a->cells, *from = b->cells;
    for (size_t i = 0; i < from->n; i++) {
        int unseen;
        size_t cell;
        if (a->shape == WEIR_SHAPE_BOOLEAN)
            cell = i;
        else if (i < from->n_categories)
            cell = weir_cells_find_string(to, &from->categories[i], &unseen);
        else // hashed cells are the same everywhere
            cell = to->n_categories + (i - from->n_categories);
        if (cell < to->n)
            counts[cell] += (double)b->cell[i];
    }
}

int weir_summary_counts_in_cells(const struct weir_summary *a, const struct weir_summary *b,
                                 int same_cells, double *counts, double *astray)
{
    size_t n = a->cells->n;
    memset(counts, 0, n * sizeof *counts);
    if (astray)
        memset(astray, 0, n * sizeof *astray);
    if (same_cells) {
        for (size_t i = 0; i < n; i++)
            counts[i] = (double)b->cell[i];
    } else if (a->shape != WEIR_SHAPE_NUMERIC) {
        count_categories(a, b, counts);
    } else if (b->quantiles) {
        struct recount r = {a,     weir_ddsketch_origin(b->quantiles), -HUGE_VAL, HUGE_VAL, counts,
                            astray};
        if (b->parts & WEIR_PART_MOMENTS) {
            r.minimum = b->moments.minimum;
            r.maximum = b->moments.maximum;
        }
        weir_ddsketch_each(b->quantiles, count_bucket, &r);
    }
    return 0;
}

// ---- cells

// The most by which a sum of convex terms of current's shares may differ, each share being off by
// at most what may have strayed.
static double psi_term(double p, double q)
{
    return (q - p) * log(q / p);
}

static double kl_term(double p, double q)
{
    return q * log(q / p) - q + p; // convex, and least at p; the shares add up to one
}

static double off_by(const struct pair *pair, double (*term)(double, double), double n_a,
                     double n_b)
{
    double sum = 0;
    for (size_t i = 0; i < pair->a->cells->n; i++) {
        double a = pair->count_a[i], b = pair->count_b[i], stray = pair->astray[i];
        if (!(stray > 0))
            continue;
        double p = fmax(a, 0.5) / n_a, q = fmax(b, 0.5) / n_b, here = term(p, q);
        double low = fmax(b - stray, 0.5) / n_b, high = (b + stray) / n_b;
        double most = fmax(fabs(term(p, low) - here), fabs(term(p, high) - here));
        if (low < p && p < high)
            most = fmax(most, fabs(here));
        sum += most + 1 / n_b; // and what half a value for none adds
    }
    return sum;
}

static void distances(const struct pair *pair, const struct weir_cell_counts *counts)
{
    struct weir_cell_distances d;
    enum weir_test_status status = weir_cell_distances(counts, &d);
    double n_a = 0, n_b = 0, stray = 0, widest = 0;
    for (size_t i = 0; i < counts->n; i++) {
        n_a += counts->reference[i];
        n_b += counts->current[i];
        stray += pair->astray[i];
        widest = fmax(widest, pair->astray[i]);
    }
    // Each one that strayed is counted in every cell that it may belong into, at least two.
    double share = n_b > 0 ? fmin(0.5 * stray / n_b, 1) : 0, root = sqrt(share);
    int exact = !(stray > 0);
    set(pair, WEIR_STATISTIC_PSI, value_of(d.psi, status),
        exact ? 0 : off_by(pair, psi_term, n_a, n_b));
    set(pair, WEIR_STATISTIC_KL, value_of(d.kl, status),
        exact ? 0 : off_by(pair, kl_term, n_a, n_b));
    set(pair, WEIR_STATISTIC_JENSEN_SHANNON, value_of(d.jensen_shannon, status), root);
    set(pair, WEIR_STATISTIC_HELLINGER, value_of(d.hellinger, status), root);
    set(pair, WEIR_STATISTIC_TOTAL_VARIATION, value_of(d.total_variation, status), share);
    set(pair, WEIR_STATISTIC_L_INFINITY, value_of(d.l_infinity, status),
        n_b > 0 ? fmin(widest / n_b, 1) : 0);
    set(pair, WEIR_STATISTIC_CRAMERS_V, value_of(d.cramers_v, status), exact ? 0 : NAN);
}

// How far the distribution functions may be apart inside the cells: upwards and downwards.
static void brackets(const struct pair *pair, double n_a, double n_b, double *above, double *below)
{
    const struct weir_cells *cells = pair->a->cells;
    double f = 0, g = 0;
    *above = *below = 0;
    for (size_t i = 0; i < cells->n; i++) {
        double stray = pair->astray[i] / n_b;
        double f1 = f + pair->count_a[i] / n_a, g1 = g + pair->count_b[i] / n_b;
        // Where a cell is one value, both jump at once.
        int atom = weir_cells_is_atom(cells, i);
        *above = fmax(*above, (atom ? f1 - g1 : f1 - g) + stray);
        *below = fmax(*below, (atom ? g1 - f1 : g1 - f) + stray);
        f = f1;
        g = g1;
    }
}

static void cells(const struct pair *pair)
{
    size_t n = pair->a->cells->n;
    struct weir_cell_counts counts = {pair->count_a, pair->count_b, n, pair->numeric};
    if (pair->wanted & DISTANCES)
        distances(pair, &counts);
    if (!(pair->wanted & (ON_TABLE | (pair->numeric ? ON_CUTS : 0))))
        return;
    struct weir_cell_tests t;
    double n_a = 0, n_b = 0, above, below, stray = 0;
    unsigned parts =
        (pair->wanted & (BIT(KS) | BIT(KUIPER)) ? WEIR_CELL_TEST_CUTS : 0u) |
        (pair->wanted & BIT(CRAMER_VON_MISES) ? WEIR_CELL_TEST_SQUARES : 0u) |
        (pair->wanted & (BIT(ANDERSON_DARLING) | BIT(BERK_JONES)) ? WEIR_CELL_TEST_OMNIBUS : 0u);
    weir_cell_tests_of(&counts, parts, &t);
    for (size_t i = 0; i < n; i++) {
        n_a += pair->count_a[i];
        n_b += pair->count_b[i];
        stray += pair->astray[i];
    }
    set(pair, WEIR_STATISTIC_CHI_SQUARE, t.chi_square, stray > 0 ? NAN : 0);
    set(pair, WEIR_STATISTIC_G, t.g, stray > 0 ? NAN : 0);
    if (!pair->numeric)
        return;
    brackets(pair, n_a, n_b, &above, &below);
    int both = t.ks.status == WEIR_TEST_OK;
    set(pair, WEIR_STATISTIC_KS, t.ks, both ? fmax(above, below) - t.ks.value : NAN);
    set(pair, WEIR_STATISTIC_KUIPER, t.kuiper, both ? above + below - t.kuiper.value : NAN);
    set(pair, WEIR_STATISTIC_ANDERSON_DARLING, t.anderson_darling, NAN);
    set(pair, WEIR_STATISTIC_CRAMER_VON_MISES, t.cramer_von_mises, NAN);
    set(pair, WEIR_STATISTIC_BERK_JONES, t.berk_jones, NAN);
}

// ---- numbers

static struct weir_sketch_range range_of(const struct weir_summary *summary)
{
    if (!(summary->parts & WEIR_PART_MOMENTS))
        return (struct weir_sketch_range){HUGE_VAL, -HUGE_VAL};
    return (struct weir_sketch_range){summary->moments.minimum, summary->moments.maximum};
}

// Mean and variance in scales from the centre, as they are summed, and what rounding (to 2^-32 and
// 2^-24) may have turned each by.
struct spread {
    double n, mean, mean_error, variance, variance_error;
};

static struct spread spread_of(const struct weir_summary *summary)
{
    const struct weir_moments *m = &summary->moments;
    struct spread s = {.n = (double)m->n,
                       .mean = weir_moments_mean(m, NULL),
                       .variance = weir_moments_variance(m, NULL)};
    double square = s.variance + s.mean * s.mean;
    s.mean_error = 0x1p-33 + 0x1p-51 * sqrt(square);
    if (m->n > 1)
        s.variance_error =
            s.n / (s.n - 1) *
            (0x1p-25 + 0x1p-50 * square + s.mean_error * (2 * fabs(s.mean) + s.mean_error));
    return s;
}

static double centre_of(const struct weir_summary *summary)
{
    return summary->cells ? summary->cells->centre : 0;
}

static double scale_of(const struct weir_summary *summary)
{
    return summary->cells ? summary->cells->scale : 1;
}

// `value` is of the middle; how far it is from those at the ends. Not known: NAN.
static double farthest(double low, double value, double high)
{
    return isfinite(low) && isfinite(high) ? fmax(high - value, value - low) : NAN;
}

static void welch(const struct pair *pair, const struct spread *a, const struct spread *b)
{
    // In scales of the reference, and without the place, which would cost digits.
    double scale = scale_of(pair->b) / scale_of(pair->a);
    double place = (centre_of(pair->a) - centre_of(pair->b)) / scale_of(pair->a);
    double gap = place + (a->mean - b->mean * scale);
    struct weir_moments_pair m = {a->n, gap, a->variance, b->n, 0, b->variance * scale * scale};
    struct weir_test t = weir_moments_welch_t(&m);
    double v = a->variance / a->n + m.variance_b / b->n;
    double off = a->variance_error / a->n + b->variance_error * scale * scale / b->n;
    double gap_off = a->mean_error + b->mean_error * scale +
                     0x1p-51 * (fabs(place) + fabs(a->mean) + fabs(b->mean * scale));
    double bound = NAN;
    if (v > off)
        bound = farthest(fmax(0, fabs(gap) - gap_off) / sqrt(v + off), fabs(gap) / sqrt(v),
                         (fabs(gap) + gap_off) / sqrt(v - off));
    int outside = pair->a->moments.outside || pair->b->moments.outside;
    set(pair, WEIR_STATISTIC_WELCH_T, t, outside ? NAN : bound);
}

static void variance_ratio(const struct pair *pair, const struct spread *a, const struct spread *b)
{
    double scale = scale_of(pair->b) / scale_of(pair->a), square = scale * scale;
    struct weir_moments_pair m = {a->n, 0, a->variance, b->n, 0, b->variance * square};
    double off = b->variance_error * square, bound = NAN;
    if (a->variance > a->variance_error)
        bound = farthest(fmax(0, m.variance_b - off) / (a->variance + a->variance_error),
                         m.variance_b / a->variance,
                         (m.variance_b + off) / (a->variance - a->variance_error));
    int outside = pair->a->moments.outside || pair->b->moments.outside;
    set(pair, WEIR_STATISTIC_VARIANCE_RATIO, weir_moments_variance_ratio(&m),
        outside ? NAN : bound);
}

// The reference's standard deviation, and the least that it may be without rounding.
struct deviation {
    double value, least;
};

static struct deviation deviation_of(const struct pair *pair)
{
    struct spread a = spread_of(pair->a);
    double scale = scale_of(pair->a);
    return (struct deviation){sqrt(a.variance) * scale,
                              sqrt(fmax(0, a.variance - a.variance_error)) * scale};
}

static struct deviation moments(const struct pair *pair)
{
    if (!(pair->a->parts & pair->b->parts & WEIR_PART_MOMENTS))
        return (struct deviation){0, 0};
    struct spread a = spread_of(pair->a), b = spread_of(pair->b);
    welch(pair, &a, &b);
    variance_ratio(pair, &a, &b);
    return deviation_of(pair);
}

// What is beyond doubles is not told.
static void set_bounded(const struct pair *pair, enum weir_statistic_id statistic,
                        struct weir_bounded_test t)
{
    if (t.test.status == WEIR_TEST_OK && (!isfinite(t.test.value) || isinf(t.bound)))
        t = (struct weir_bounded_test){{0, 1, WEIR_TEST_NOT_APPLICABLE}, NAN};
    set(pair, statistic, t.test, t.bound);
}

// In units of the reference's standard deviation.
static struct weir_bounded_test scaled(const struct pair *pair, struct weir_bounded_test t,
                                       struct deviation deviation)
{
    if (t.test.status != WEIR_TEST_OK)
        return t;
    if (!(deviation.value > 0) || isinf(deviation.value))
        return (struct weir_bounded_test){{0, 1, WEIR_TEST_NOT_APPLICABLE}, NAN};
    double most = (t.test.value + t.bound) / deviation.least;
    t.test.value /= deviation.value;
    // Values too far out for the sums are not in the deviation.
    t.bound = pair->a->moments.outside || !(deviation.least > 0) ? NAN : most - t.test.value;
    return t;
}

// Of lengths: what moments and sketches of texts are of.
static int lengths(const struct pair *pair)
{
    if (!(pair->wanted & BIT(TEXT_LENGTH)) || !pair->a->quantiles || !pair->b->quantiles ||
        !(pair->a->parts & pair->b->parts & WEIR_PART_MOMENTS))
        return 0;
    struct weir_sketch_pair s;
    if (weir_sketch_pair_make(&s, pair->a->quantiles, range_of(pair->a), pair->b->quantiles,
                              range_of(pair->b)))
        return WEIR_ENOMEM;
    set_bounded(pair, WEIR_STATISTIC_TEXT_LENGTH,
                scaled(pair, weir_sketch_wasserstein(&s), deviation_of(pair)));
    weir_sketch_pair_free(&s);
    return 0;
}

static int sketches(const struct pair *pair, struct deviation deviation, double *shifts)
{
    if (!(pair->wanted & SKETCHES) || !pair->a->quantiles || !pair->b->quantiles)
        return 0;
    struct weir_sketch_pair s;
    if (weir_sketch_pair_make(&s, pair->a->quantiles, range_of(pair->a), pair->b->quantiles,
                              range_of(pair->b)))
        return WEIR_ENOMEM;
    struct weir_bounded_test w = weir_sketch_wasserstein(&s);
    set_bounded(pair, WEIR_STATISTIC_WASSERSTEIN, w);
    set_bounded(pair, WEIR_STATISTIC_WASSERSTEIN_NORMALISED, scaled(pair, w, deviation));
    if (pair->wanted & BIT(ENERGY))
        set_bounded(pair, WEIR_STATISTIC_ENERGY, weir_sketch_energy(&s));
    if (pair->wanted & BIT(MANN_WHITNEY))
        set_bounded(pair, WEIR_STATISTIC_MANN_WHITNEY, weir_sketch_mann_whitney(&s));
    if (pair->wanted & BIT(QUANTILE_SHIFT))
        set_bounded(pair, WEIR_STATISTIC_QUANTILE_SHIFT,
                    scaled(pair, weir_sketch_quantile_shift(&s, shifts), deviation));
    weir_sketch_pair_free(&s);
    return 0;
}

// ---- categories

// Fisher's odds ratio has the values in the order of their names, false before true.
static int in_order(const struct weir_cells *cells, size_t i, size_t k)
{
    if (i >= cells->n_categories || k >= cells->n_categories)
        return 1;
    const struct weir_string *x = &cells->categories[i], *y = &cells->categories[k];
    uint32_t common = x->length < y->length ? x->length : y->length;
    int order = memcmp(x->data, y->data, common);
    return order ? order < 0 : x->length <= y->length;
}

static struct weir_test exact_test(const struct pair *pair)
{
    size_t used = 0, at[2] = {0, 0};
    for (size_t i = 0; i < pair->a->cells->n; i++)
        if (pair->count_a[i] + pair->count_b[i] > 0) {
            if (used < 2)
                at[used] = i;
            used++;
        }
    if (used != 2)
        return weir_exact_table(pair->count_a, pair->count_b, pair->a->cells->n);
    int first = in_order(pair->a->cells, at[0], at[1]) ? 0 : 1;
    size_t x = at[first], y = at[1 - first];
    return weir_fisher_exact(pair->count_a[x], pair->count_a[y], pair->count_b[x],
                             pair->count_b[y]);
}

static void categories(const struct pair *pair)
{
    const struct weir_cells *cells = pair->a->cells;
    size_t own = pair->a->shape == WEIR_SHAPE_BOOLEAN ? cells->n : cells->n_categories;
    double vanished = 0, most = 0, used = 0, n_a = 0, n_b = 0;
    if (pair->wanted & BIT(FISHER))
        set(pair, WEIR_STATISTIC_FISHER, exact_test(pair), 0);
    for (size_t i = 0; i < cells->n; i++) {
        double a = pair->count_a[i], b = pair->count_b[i];
        n_a += a;
        n_b += b;
        used += a + b > 0;
        if (i < own && a > 0 && !(b > 0)) {
            vanished++;
            most = fmax(most, a);
        }
    }
    // The other way round: present in the reference, absent in current.
    struct weir_test t = weir_absence(most, n_b, n_a, fmax(used, 1));
    if (t.status == WEIR_TEST_REFERENCE_EMPTY || t.status == WEIR_TEST_CURRENT_EMPTY)
        t.status = n_a > 0 ? WEIR_TEST_CURRENT_EMPTY : WEIR_TEST_REFERENCE_EMPTY;
    else
        t.value = vanished;
    set(pair, WEIR_STATISTIC_VANISHED_CATEGORIES, t, NAN);
    // Values never seen are counted, not kept: their share is all that is known.
    set(pair, WEIR_STATISTIC_NEW_CATEGORIES, value_of(0, WEIR_TEST_NO_ROWS), NAN);
}

// ---- shares

static void set_share(const struct pair *pair, enum weir_statistic_id statistic, double hits_a,
                      double n_a, double hits_b, double n_b)
{
    if (!(pair->wanted >> statistic & 1))
        return;
    struct weir_test t = weir_two_proportions_exact(hits_a, n_a, hits_b, n_b);
    double a = n_a > 0 ? hits_a / n_a : NAN, b = n_b > 0 ? hits_b / n_b : NAN;
    if (t.status == WEIR_TEST_OK)
        t.value = b;
    pair->out[statistic] = (struct weir_statistic_result){t, 0, a, b};
}

static void shares(const struct pair *pair)
{
    const struct weir_summary *a = pair->a, *b = pair->b;
    double values_a = (double)(a->values - a->nan), values_b = (double)(b->values - b->nan);
    set_share(pair, WEIR_STATISTIC_NULL_RATE, (double)(a->null + a->missing + a->fault + a->nan),
              (double)a->rows, (double)(b->null + b->missing + b->fault + b->nan), (double)b->rows);
    if (pair->numeric)
        set_share(pair, WEIR_STATISTIC_INFINITE_SHARE, (double)(a->infinite_low + a->infinite_high),
                  values_a, (double)(b->infinite_low + b->infinite_high), values_b);
    else if (a->shape != WEIR_SHAPE_BOOLEAN)
        set_share(pair, WEIR_STATISTIC_EMPTY_SHARE, (double)a->empty, values_a, (double)b->empty,
                  values_b);
    if (!pair->numeric && pair->same_cells && (a->cells->known || a->shape == WEIR_SHAPE_BOOLEAN))
        set(pair, WEIR_STATISTIC_UNSEEN_SHARE,
            weir_unseen_share((double)b->unseen, values_b,
                              fmin(fmax(a->cells->unseen_share, 1 / (values_a + 1)), 1)),
            0);
    double all = 0, gone = 0;
    for (size_t i = 0; i < a->cells->n; i++) {
        all += pair->count_a[i];
        gone += pair->count_b[i] > 0 ? 0 : pair->count_a[i];
    }
    set(pair, WEIR_STATISTIC_VANISHED_SHARE,
        value_of(all > 0 ? gone / all : 0, all > 0 ? WEIR_TEST_OK : WEIR_TEST_REFERENCE_EMPTY),
        NAN);
}

static int compute(const struct pair *pair, double *shifts)
{
    for (size_t i = 0; i < pair->a->cells->n; i++)
        pair->count_a[i] = (double)pair->a->cell[i];
    weir_summary_counts_in_cells(pair->a, pair->b, pair->same_cells, pair->count_b, pair->astray);
    if (pair->wanted & (ON_CUTS | ON_TABLE | DISTANCES))
        cells(pair);
    if (!pair->numeric && pair->wanted & CATEGORIES)
        categories(pair);
    if (pair->wanted & SHARES)
        shares(pair);
    if (pair->numeric)
        return sketches(pair, moments(pair), shifts);
    return pair->a->shape == WEIR_SHAPE_TEXT ? lengths(pair) : 0;
}

int weir_summary_statistics(const struct weir_summary *a, const struct weir_summary *b,
                            int same_cells, uint64_t wanted,
                            struct weir_statistic_result out[WEIR_STATISTICS],
                            double shifts[WEIR_QUANTILES])
{
    size_t n = a->cells->n;
    double *room = calloc(3 * n + 1, sizeof *room);
    if (!room)
        return WEIR_ENOMEM;
    struct pair pair = {.a = a,
                        .b = b,
                        .same_cells = same_cells,
                        .numeric = a->shape == WEIR_SHAPE_NUMERIC,
                        .wanted = WEIR_ALL_STATISTICS,
                        .count_a = room,
                        .count_b = room + n,
                        .astray = room + 2 * n,
                        .out = out};
    set_status(&pair, WEIR_ALL_STATISTICS, WEIR_TEST_NOT_APPLICABLE);
    for (unsigned i = 0; i < WEIR_STATISTICS; i++)
        if (weir_statistic_info((enum weir_statistic_id)i)->window == WEIR_NEEDS_ROWS)
            set(&pair, (enum weir_statistic_id)i, value_of(0, WEIR_TEST_NO_ROWS), NAN);
    for (int i = 0; shifts && i < WEIR_QUANTILES; i++)
        shifts[i] = NAN;
    pair.wanted = wanted;
    int code = compute(&pair, shifts);
    free(room);
    return code;
}
