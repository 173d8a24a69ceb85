// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/compare/summaries.h"
#include "stats/cells.h"
#include "stats/cells_build.h"
#include "stats/samples.h"
#include "stats/summary.h"

// The text's most frequent values have cells of their own, the rest of them one together. Rarer
// ones would be chosen by chance, and could only become fewer.
enum { TEXT_CELLS = 64, TEXT_LEAST = 10 };

static struct weir_comparison *add(struct weir_field_comparison *out, const char *name)
{
    struct weir_comparison *c = &out->statistics[out->n++];
    *c = (struct weir_comparison){name, NAN, NAN, NAN, NAN, NAN, NULL};
    return c;
}

struct weir_comparison *weir_comparison_add(struct weir_field_comparison *out, const char *name,
                                            struct weir_test test)
{
    struct weir_comparison *c = add(out, name);
    if (test.status != WEIR_TEST_OK)
        c->reason = weir_test_status_text(test.status);
    if (test.status == WEIR_TEST_OK || test.status == WEIR_TEST_TOO_MANY)
        c->value = test.value;
    if (test.status == WEIR_TEST_OK)
        c->p_value = test.p_value;
    return c;
}

// A statistic that has no p-value at all.
static void add_value(struct weir_field_comparison *out, const char *name, struct weir_test test)
{
    weir_comparison_add(out, name, test)->p_value = NAN;
}

void weir_comparison_add_value(struct weir_field_comparison *out, const char *name, double value,
                               enum weir_test_status status)
{
    add_value(out, name, (struct weir_test){value, 1, status});
}

static double share(double part, double all)
{
    return all > 0 ? part / all : NAN;
}

void weir_comparison_add_nulls(struct weir_field_comparison *out, double null_a, double n_a,
                               double null_b, double n_b)
{
    struct weir_test test = weir_two_proportions(null_a, n_a, null_b, n_b);
    struct weir_comparison *c = weir_comparison_add(out, "null_rate", test);
    c->reference = share(null_a, n_a);
    c->current = share(null_b, n_b);
    if (test.status == WEIR_TEST_OK) {
        c->value = c->current;
        out->moved = fmax(out->moved, fabs(test.value));
        out->p_value = fmin(out->p_value, fmin(1, 2 * test.p_value));
    }
}

// What is computed on cells, for values of any kind.
void weir_comparison_add_cells(struct weir_field_comparison *out,
                               const struct weir_cell_counts *counts)
{
    struct weir_cell_distances d;
    struct weir_cell_tests t;
    struct weir_omnibus o;
    enum weir_test_status status = weir_cell_distances(counts, &d);
    weir_cell_tests(counts, &t);
    weir_comparison_add_value(out, "psi", d.psi, status);
    weir_comparison_add_value(out, "jensen_shannon", d.jensen_shannon, status);
    weir_comparison_add_value(out, "kl", d.kl, status);
    weir_comparison_add_value(out, "hellinger", d.hellinger, status);
    weir_comparison_add_value(out, "total_variation", d.total_variation, status);
    weir_comparison_add(out, "chi_square", t.chi_square);
    weir_comparison_add(out, "g", t.g);
    weir_comparison_add_value(out, "l_infinity", d.l_infinity, status);
    weir_comparison_add_value(out, "cramers_v", d.cramers_v, status);
    if (weir_omnibus(counts, &o) == WEIR_TEST_OK)
        out->p_value = fmin(out->p_value, fmin(1, 2 * o.p_value));
    out->moved = fmax(out->moved, d.jensen_shannon_debiased);
}

static size_t finite_of(const struct weir_table_column *column, double *out)
{
    size_t n = 0;
    for (size_t i = 0; i < column->n; i++)
        if (isfinite(column->number[i]))
            out[n++] = column->number[i];
    weir_sort_doubles(out, n);
    return n;
}

static double outside(const double *x, size_t n, const double *range, size_t n_range)
{
    double count = 0;
    for (size_t i = 0; i < n; i++)
        count += x[i] < range[0] || x[i] > range[n_range - 1];
    return count / (double)n;
}

// Both sides in the cells of the reference (METHODS: 32 of equal mass, tails, atoms).
static int add_numeric_cells(struct weir_field_comparison *out, const struct weir_samples *s)
{
    struct weir_cells *cells;
    struct weir_error error;
    if (weir_cells_build_numeric(s->a, s->n_a, &cells, &error))
        return WEIR_ENOMEM;
    size_t n = cells->n;
    uint64_t *count = calloc(2 * n, sizeof *count);
    double *both = calloc(2 * n, sizeof *both);
    int code = count && both ? 0 : WEIR_ENOMEM;
    if (!code) {
        weir_cells_count(cells, s->a, s->n_a, count);
        weir_cells_count(cells, s->b, s->n_b, count + n);
        for (size_t i = 0; i < 2 * n; i++)
            both[i] = (double)count[i];
        weir_comparison_add_cells(out, &(struct weir_cell_counts){both, both + n, n, 1});
    }
    free(count);
    free(both);
    weir_cells_free(cells);
    return code;
}

static int compare_numbers(const struct weir_table_column *a, const struct weir_table_column *b,
                           struct weir_field_comparison *out)
{
    double *va = malloc((a->n + 1) * sizeof *va), *vb = malloc((b->n + 1) * sizeof *vb);
    if (!va || !vb) {
        free(va);
        free(vb);
        return WEIR_ENOMEM;
    }
    struct weir_samples s = {va, finite_of(a, va), vb, finite_of(b, vb)};
    struct weir_comparison *ks = weir_comparison_add(out, "ks", weir_samples_ks(&s));
    struct weir_test exact = weir_samples_ks_exact(&s);
    if (exact.status == WEIR_TEST_OK)
        ks->p_exact = exact.p_value;
    weir_comparison_add(out, "anderson_darling", weir_samples_anderson_darling(&s));
    weir_comparison_add(out, "cramer_von_mises", weir_samples_cramer_von_mises(&s));
    weir_comparison_add(out, "kuiper", weir_samples_kuiper(&s));
    weir_comparison_add(out, "berk_jones", weir_samples_berk_jones(&s));
    int code = add_numeric_cells(out, &s);
    add_value(out, "wasserstein", weir_samples_wasserstein(&s));
    add_value(out, "wasserstein_normalised", weir_samples_wasserstein_normalised(&s));
    add_value(out, "energy", weir_samples_energy(&s));
    weir_comparison_add(out, "mann_whitney", weir_samples_mann_whitney(&s));
    weir_comparison_add(out, "welch_t", weir_samples_welch_t(&s));
    weir_comparison_add(out, "variance_ratio", weir_samples_variance_ratio(&s));
    add_value(out, "quantile_shift", weir_samples_quantile_shift(&s));
    weir_comparison_add_nulls(out, (double)a->n_absent, (double)a->n, (double)b->n_absent,
                              (double)b->n);
    enum weir_test_status status = s.n_a == 0   ? WEIR_TEST_REFERENCE_EMPTY
                                   : s.n_b == 0 ? WEIR_TEST_CURRENT_EMPTY
                                                : WEIR_TEST_OK;
    int ok = status == WEIR_TEST_OK;
    weir_comparison_add_value(out, "unseen_share", ok ? outside(vb, s.n_b, va, s.n_a) : 0, status);
    weir_comparison_add_value(out, "vanished_share", ok ? outside(va, s.n_a, vb, s.n_b) : 0,
                              status);
    free(va);
    free(vb);
    return code;
}

struct category {
    uint64_t hash;
    double a, b;
};

static int by_hash(const void *x, const void *y)
{
    uint64_t a = ((const struct category *)x)->hash, b = ((const struct category *)y)->hash;
    return (a > b) - (a < b);
}

static int by_count(const void *x, const void *y)
{
    const struct category *a = x, *b = y;
    return a->a < b->a ? 1 : a->a > b->a ? -1 : by_hash(x, y);
}

// The distinct values of both, with their counts; ordered by the reference's, then by hash.
static struct category *categories_of(const struct weir_table_column *a,
                                      const struct weir_table_column *b, size_t *n)
{
    struct category *all = malloc((a->n + b->n + 1) * sizeof *all);
    size_t seen = 0, distinct = 0;
    if (!all)
        return NULL;
    for (size_t i = 0; i < a->n; i++)
        if (!a->absent[i])
            all[seen++] = (struct category){a->hash[i], 1, 0};
    for (size_t i = 0; i < b->n; i++)
        if (!b->absent[i])
            all[seen++] = (struct category){b->hash[i], 0, 1};
    qsort(all, seen, sizeof *all, by_hash);
    for (size_t i = 0; i < seen; i++) {
        if (distinct && all[distinct - 1].hash == all[i].hash) {
            all[distinct - 1].a += all[i].a;
            all[distinct - 1].b += all[i].b;
        } else {
            all[distinct++] = all[i];
        }
    }
    qsort(all, distinct, sizeof *all, by_count);
    *n = distinct;
    return all;
}

// Whether the first of two values comes first: by its text, false before true.
static int in_order(const struct weir_table_column *a, const struct weir_table_column *b,
                    const struct category *c)
{
    const char *text[2] = {NULL, NULL};
    const struct weir_table_column *const sides[2] = {a, b};
    for (int side = 0; side < 2; side++)
        for (int i = 0; i < sides[side]->n_first; i++)
            for (int k = 0; k < 2; k++)
                if (sides[side]->first[i].hash == c[k].hash)
                    text[k] = sides[side]->first[i].text;
    return text[0] && text[1] ? strcmp(text[0], text[1]) <= 0 : c[0].hash <= c[1].hash;
}

static void add_fisher(struct weir_field_comparison *out, const struct weir_table_column *a,
                       const struct weir_table_column *b, const struct category *c, size_t n)
{
    if (n != 2) {
        struct weir_test none = {0, 1, WEIR_TEST_NOT_APPLICABLE};
        weir_comparison_add(out, "fisher", none)->reason = "only for two values";
        return;
    }
    int first = in_order(a, b, c) ? 0 : 1, second = 1 - first;
    struct weir_test test = weir_fisher_exact(c[first].a, c[second].a, c[first].b, c[second].b);
    struct weir_comparison *f = weir_comparison_add(out, "fisher", test);
    if (test.status == WEIR_TEST_OK && test.value > 1e300) {
        f->value = NAN;
        f->reason = "the odds ratio is infinite";
    }
}

static int compare_categories(const struct weir_table_column *a, const struct weir_table_column *b,
                              struct weir_field_comparison *out)
{
    size_t n;
    struct category *c = categories_of(a, b, &n);
    double *counts = c ? calloc(2 * n + 2, sizeof *counts) : NULL;
    if (!counts) {
        free(c);
        return WEIR_ENOMEM;
    }
    double total[2] = {0, 0}, unseen = 0, vanished = 0;
    size_t cells = n;
    if (a->type == WEIR_COMPARE_TEXT)
        for (cells = 1; cells <= TEXT_CELLS && cells < n && c[cells - 1].a >= TEXT_LEAST;)
            cells++;
    for (size_t i = 0; i < n; i++) {
        size_t k = i < cells ? i : cells - 1;
        counts[k] += c[i].a;
        counts[cells + k] += c[i].b;
        total[0] += c[i].a;
        total[1] += c[i].b;
        unseen += c[i].a > 0 ? 0 : c[i].b;
        vanished += c[i].b > 0 ? 0 : c[i].a;
    }
    weir_comparison_add_cells(out, &(struct weir_cell_counts){counts, counts + cells, cells, 0});
    add_fisher(out, a, b, c, n);
    weir_comparison_add_nulls(out, (double)a->n_absent, (double)a->n, (double)b->n_absent,
                              (double)b->n);
    enum weir_test_status status = !(total[0] > 0)   ? WEIR_TEST_REFERENCE_EMPTY
                                   : !(total[1] > 0) ? WEIR_TEST_CURRENT_EMPTY
                                                     : WEIR_TEST_OK;
    int ok = status == WEIR_TEST_OK;
    weir_comparison_add_value(out, "unseen_share", ok ? unseen / total[1] : 0, status);
    weir_comparison_add_value(out, "vanished_share", ok ? vanished / total[0] : 0, status);
    free(counts);
    free(c);
    return 0;
}

int weir_compare_field(const struct weir_table_column *reference,
                       const struct weir_table_column *current, struct weir_field_comparison *out)
{
    memset(out, 0, sizeof *out);
    out->p_value = 1;
    if (reference->type == WEIR_COMPARE_NUMERIC || reference->type == WEIR_COMPARE_VECTOR)
        return compare_numbers(reference, current, out);
    return compare_categories(reference, current, out);
}
