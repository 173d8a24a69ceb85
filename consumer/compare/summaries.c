// SPDX-License-Identifier: Apache-2.0
#include "consumer/compare/summaries.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/cells.h"
#include "stats/ddsketch.h"
#include "stats/samples.h"
#include "stats/special.h"
#include "stats/summary.h"

struct weight {
    double x, a, b;
};

// Both sketches' buckets, by their middles.
struct weights {
    struct weight *items;
    size_t n, capacity;
    double origin;
    int side, failed;
};

static void take_bucket(void *context, double low, double high, uint64_t count)
{
    struct weights *w = context;
    if (w->n == w->capacity) {
        size_t capacity = w->capacity ? 2 * w->capacity : 256;
        struct weight *items = realloc(w->items, capacity * sizeof *items);
        if (!items) {
            w->failed = 1;
            return;
        }
        w->items = items;
        w->capacity = capacity;
    }
    double x = w->origin + 0.5 * (low + high);
    w->items[w->n++] = (struct weight){x, w->side ? 0 : (double)count, w->side ? (double)count : 0};
}

static int by_value(const void *a, const void *b)
{
    double x = ((const struct weight *)a)->x, y = ((const struct weight *)b)->x;
    return (x > y) - (x < y);
}

static int take_sketches(struct weights *w, const struct weir_ddsketch *a,
                         const struct weir_ddsketch *b)
{
    const struct weir_ddsketch *const sides[2] = {a, b};
    memset(w, 0, sizeof *w);
    for (w->side = 0; w->side < 2; w->side++) {
        w->origin = weir_ddsketch_origin(sides[w->side]);
        weir_ddsketch_each(sides[w->side], take_bucket, w);
    }
    if (w->n)
        qsort(w->items, w->n, sizeof *w->items, by_value);
    size_t kept = 0;
    for (size_t i = 0; i < w->n; i++) {
        if (kept && w->items[kept - 1].x >= w->items[i].x) {
            w->items[kept - 1].a += w->items[i].a;
            w->items[kept - 1].b += w->items[i].b;
        } else {
            w->items[kept++] = w->items[i];
        }
    }
    w->n = kept;
    return w->failed ? WEIR_ENOMEM : 0;
}

static struct weir_test rank_test(const struct weights *w, double na, double nb)
{
    double u = 0, ties = 0, below = 0, n = na + nb;
    for (size_t i = 0; i < w->n; i++) {
        double t = w->items[i].a + w->items[i].b;
        u += w->items[i].a * (below + 0.5 * w->items[i].b);
        below += w->items[i].b;
        ties += t * t * t - t;
    }
    double deviation = sqrt(na * nb / 12 * ((n + 1) - ties / (n * (n - 1))));
    if (!(deviation > 0))
        return (struct weir_test){0, 1, WEIR_TEST_ONE_VALUE};
    double z = (fmax(u, na * nb - u) - na * nb / 2 - 0.5) / deviation;
    return (struct weir_test){u, fmin(1, 2 * weir_normal_sf(z)), WEIR_TEST_OK};
}

static void add_sketches(struct weir_field_comparison *out, const struct weights *w,
                         const struct weir_summary *a, const struct weir_summary *b,
                         double deviation)
{
    double na = (double)weir_ddsketch_count(a->quantiles);
    double nb = (double)weir_ddsketch_count(b->quantiles), f = 0, g = 0, w1 = 0, energy = 0;
    enum weir_test_status status = !(na > 0)   ? WEIR_TEST_REFERENCE_EMPTY
                                   : !(nb > 0) ? WEIR_TEST_CURRENT_EMPTY
                                               : WEIR_TEST_OK;
    double shift = 0;
    for (size_t i = 0; i + 1 < w->n && status == WEIR_TEST_OK; i++) {
        f += w->items[i].a / na;
        g += w->items[i].b / nb;
        double width = w->items[i + 1].x - w->items[i].x;
        w1 += fabs(f - g) * width;
        energy += 2 * (f - g) * (f - g) * width;
    }
    for (int i = 1; i < 20 && status == WEIR_TEST_OK; i++)
        shift = fmax(shift, fabs(weir_ddsketch_quantile(b->quantiles, i / 20.0) -
                                 weir_ddsketch_quantile(a->quantiles, i / 20.0)));
    enum weir_test_status scaled =
        status == WEIR_TEST_OK && !(deviation > 0) ? WEIR_TEST_NOT_APPLICABLE : status;
    double unit = deviation > 0 ? deviation : 1;
    weir_comparison_add_value(out, "wasserstein", w1, status);
    weir_comparison_add_value(out, "wasserstein_normalised", w1 / unit, scaled);
    weir_comparison_add_value(out, "energy", sqrt(energy), status);
    weir_comparison_add(out, "mann_whitney",
                        status == WEIR_TEST_OK ? rank_test(w, na, nb)
                                               : (struct weir_test){0, 1, status});
    weir_comparison_add_value(out, "quantile_shift", shift / unit, scaled);
}

// The current's counts in the reference's cells, by what its own cells and sketch tell.
static void count_again(const struct weir_summary *a, const struct weir_summary *b,
                        const struct weights *w, double *out)
{
    const struct weir_cells *to = a->cells, *from = b->cells;
    memset(out, 0, to->n * sizeof *out);
    if (a->shape == WEIR_SHAPE_NUMERIC) {
        for (size_t i = 0; i < w->n; i++)
            out[weir_cells_find(to, w->items[i].x)] += w->items[i].b;
        return;
    }
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
            out[cell] += (double)b->cell[i];
    }
}

static void add_order(struct weir_field_comparison *out, const struct weir_cell_counts *counts)
{
    struct weir_cell_tests t;
    weir_cell_tests(counts, &t);
    weir_comparison_add(out, "ks", t.ks);
    weir_comparison_add(out, "anderson_darling", t.anderson_darling);
    weir_comparison_add(out, "cramer_von_mises", t.cramer_von_mises);
    weir_comparison_add(out, "kuiper", t.kuiper);
    weir_comparison_add(out, "berk_jones", t.berk_jones);
}

static double add_moments(struct weir_field_comparison *out, const struct weir_summary *a,
                          const struct weir_summary *b)
{
    struct weir_moments_pair m = {(double)a->moments.n,
                                  weir_moments_mean(&a->moments, a->cells),
                                  weir_moments_variance(&a->moments, a->cells),
                                  (double)b->moments.n,
                                  weir_moments_mean(&b->moments, b->cells),
                                  weir_moments_variance(&b->moments, b->cells)};
    weir_comparison_add(out, "welch_t", weir_moments_welch_t(&m));
    weir_comparison_add(out, "variance_ratio", weir_moments_variance_ratio(&m));
    return sqrt(m.variance_a);
}

static double nulls_of(const struct weir_summary *s)
{
    return (double)(s->null + s->missing + s->fault + s->nan);
}

static void add_shares(struct weir_field_comparison *out, const struct weir_summary *a,
                       const struct weir_summary *b, int same_cells, const double *counts)
{
    size_t n = a->cells->n;
    double all = 0, gone = 0;
    for (size_t i = 0; i < n; i++) {
        all += counts[i];
        gone += counts[n + i] > 0 ? 0 : counts[i];
    }
    weir_comparison_add_nulls(out, nulls_of(a), (double)a->rows, nulls_of(b), (double)b->rows);
    int known = same_cells && a->shape != WEIR_SHAPE_NUMERIC && b->values > 0;
    weir_comparison_add_value(out, "unseen_share",
                              known ? (double)b->unseen / (double)b->values : 0,
                              known ? WEIR_TEST_OK : WEIR_TEST_NOT_APPLICABLE);
    weir_comparison_add_value(out, "vanished_share", all > 0 ? gone / all : 0,
                              all > 0 ? WEIR_TEST_OK : WEIR_TEST_REFERENCE_EMPTY);
}

int weir_compare_summaries(const struct weir_summary *a, const struct weir_summary *b,
                           int same_cells, struct weir_field_comparison *out)
{
    struct weights w = {NULL, 0, 0, 0, 0, 0};
    size_t n = a->cells->n;
    int numeric = a->shape == WEIR_SHAPE_NUMERIC;
    memset(out, 0, sizeof *out);
    out->p_value = 1;
    double *counts = calloc(2 * n + 2, sizeof *counts);
    int code = counts ? 0 : WEIR_ENOMEM;
    if (!code && numeric)
        code = take_sketches(&w, a->quantiles, b->quantiles);
    if (!code) {
        struct weir_cell_counts both = {counts, counts + n, n, numeric};
        for (size_t i = 0; i < n; i++)
            counts[i] = (double)a->cell[i];
        if (!same_cells)
            count_again(a, b, &w, counts + n);
        for (size_t i = 0; i < n && same_cells; i++)
            counts[n + i] = (double)b->cell[i];
        if (numeric)
            add_order(out, &both);
        weir_comparison_add_cells(out, &both);
        if (numeric)
            add_sketches(out, &w, a, b, add_moments(out, a, b));
        add_shares(out, a, b, same_cells, counts);
    }
    free(w.items);
    free(counts);
    return code;
}
