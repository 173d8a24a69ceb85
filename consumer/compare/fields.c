// SPDX-License-Identifier: Apache-2.0
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/compare/summaries.h"
#include "stats/cells.h"
#include "stats/cells_build.h"
#include "stats/hash.h"
#include "stats/sort.h"
#include "stats/summary.h"

// The text's most frequent values have cells of their own, the rest of them one together. Rarer
// ones would be chosen by chance, and could only become fewer.
enum { TEXT_CELLS = 64, TEXT_LEAST = 10 };

void weir_comparison_begin(struct weir_field_comparison *out)
{
    memset(out, 0, sizeof *out);
    out->p_value = 1;
    for (int i = 0; i < WEIR_QUANTILES; i++)
        out->shifts[i] = NAN;
}

uint64_t weir_comparison_wanted(enum weir_compare_type type)
{
    uint64_t wanted = 0;
    for (unsigned i = 0; i < WEIR_STATISTICS; i++)
        if (weir_statistic_info((enum weir_statistic_id)i)->kinds >> type & 1)
            wanted |= (uint64_t)1 << i;
    return wanted;
}

struct weir_comparison *weir_comparison_add(struct weir_field_comparison *out,
                                            enum weir_statistic_id statistic, struct weir_test test)
{
    const struct weir_statistic_info *info = weir_statistic_info(statistic);
    struct weir_comparison *c = &out->statistics[out->n++];
    *c = (struct weir_comparison){info->name, NAN, NAN, NAN, NAN, NAN, NAN, NULL};
    if (test.status != WEIR_TEST_OK)
        c->reason = weir_test_status_text(test.status);
    // What only its exact distribution is too large for has a value all the same.
    if (test.status == WEIR_TEST_OK ||
        (test.status == WEIR_TEST_TOO_MANY && statistic != WEIR_STATISTIC_FISHER))
        c->value = test.value;
    if (test.status == WEIR_TEST_OK && info->has_p)
        c->p_value = test.p_value;
    if (statistic == WEIR_STATISTIC_FISHER && test.status == WEIR_TEST_OK &&
        test.value >= DBL_MAX) {
        c->value = NAN;
        c->reason = "the odds ratio is infinite";
    }
    return c;
}

void weir_comparison_judge(struct weir_field_comparison *out, const struct weir_cell_counts *counts,
                           const struct weir_test *nulls, double change_of_nulls)
{
    struct weir_cell_distances d;
    struct weir_omnibus o;
    weir_cell_distances(counts, &d);
    if (weir_omnibus(counts, &o) == WEIR_TEST_OK)
        out->p_value = fmin(1, 2 * o.p_value);
    out->moved = d.jensen_shannon_debiased;
    if (nulls->status == WEIR_TEST_OK) {
        out->moved = fmax(out->moved, fabs(change_of_nulls));
        out->p_value = fmin(out->p_value, fmin(1, 2 * nulls->p_value));
    }
}

// ---- what is computed before it is put into the table's order

struct results {
    struct weir_test test[WEIR_STATISTICS];
    double reference[WEIR_STATISTICS], current[WEIR_STATISTICS]; // rates
};

static void begin(struct results *r)
{
    for (unsigned i = 0; i < WEIR_STATISTICS; i++) {
        r->test[i] = (struct weir_test){0, 1, WEIR_TEST_NOT_APPLICABLE};
        r->reference[i] = r->current[i] = NAN;
    }
}

static struct weir_test value_of(double value, enum weir_test_status status)
{
    return (struct weir_test){status == WEIR_TEST_OK ? value : 0, 1, status};
}

static void set_share(struct results *r, enum weir_statistic_id statistic, double hits_a,
                      double n_a, double hits_b, double n_b)
{
    struct weir_test t = weir_two_proportions_exact(hits_a, n_a, hits_b, n_b);
    r->reference[statistic] = n_a > 0 ? hits_a / n_a : NAN;
    r->current[statistic] = n_b > 0 ? hits_b / n_b : NAN;
    if (t.status == WEIR_TEST_OK)
        t.value = r->current[statistic];
    r->test[statistic] = t;
}

static void set_cells(struct results *r, const struct weir_cell_counts *counts)
{
    struct weir_cell_distances d;
    struct weir_cell_tests t;
    enum weir_test_status status = weir_cell_distances(counts, &d);
    weir_cell_tests(counts, &t);
    r->test[WEIR_STATISTIC_PSI] = value_of(d.psi, status);
    r->test[WEIR_STATISTIC_JENSEN_SHANNON] = value_of(d.jensen_shannon, status);
    r->test[WEIR_STATISTIC_KL] = value_of(d.kl, status);
    r->test[WEIR_STATISTIC_HELLINGER] = value_of(d.hellinger, status);
    r->test[WEIR_STATISTIC_TOTAL_VARIATION] = value_of(d.total_variation, status);
    r->test[WEIR_STATISTIC_L_INFINITY] = value_of(d.l_infinity, status);
    r->test[WEIR_STATISTIC_CRAMERS_V] = value_of(d.cramers_v, status);
    r->test[WEIR_STATISTIC_CHI_SQUARE] = t.chi_square;
    r->test[WEIR_STATISTIC_G] = t.g;
}

static void finish(struct weir_field_comparison *out, const struct results *r,
                   enum weir_compare_type type, const struct weir_cell_counts *counts)
{
    uint64_t wanted = weir_comparison_wanted(type);
    for (unsigned i = 0; i < WEIR_STATISTICS; i++) {
        if (!(wanted >> i & 1))
            continue;
        struct weir_comparison *c = weir_comparison_add(out, (enum weir_statistic_id)i, r->test[i]);
        c->reference = r->reference[i];
        c->current = r->current[i];
    }
    enum weir_statistic_id nulls = WEIR_STATISTIC_NULL_RATE;
    weir_comparison_judge(out, counts, &r->test[nulls], r->current[nulls] - r->reference[nulls]);
}

// ---- numbers

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
    for (size_t i = 0; i < n && n_range; i++)
        count += x[i] < range[0] || x[i] > range[n_range - 1];
    return count;
}

static void set_numbers(struct results *r, const struct weir_samples *s)
{
    double n_a = (double)s->n_a, n_b = (double)s->n_b;
    r->test[WEIR_STATISTIC_KS] = weir_samples_ks(s);
    r->test[WEIR_STATISTIC_ANDERSON_DARLING] = weir_samples_anderson_darling(s);
    r->test[WEIR_STATISTIC_CRAMER_VON_MISES] = weir_samples_cramer_von_mises(s);
    r->test[WEIR_STATISTIC_KUIPER] = weir_samples_kuiper(s);
    r->test[WEIR_STATISTIC_BERK_JONES] = weir_samples_berk_jones(s);
    r->test[WEIR_STATISTIC_WASSERSTEIN] = weir_samples_wasserstein(s);
    r->test[WEIR_STATISTIC_WASSERSTEIN_NORMALISED] = weir_samples_wasserstein_normalised(s);
    r->test[WEIR_STATISTIC_ENERGY] = weir_samples_energy(s);
    r->test[WEIR_STATISTIC_MANN_WHITNEY] = weir_samples_mann_whitney(s);
    r->test[WEIR_STATISTIC_WELCH_T] = weir_samples_welch_t(s);
    r->test[WEIR_STATISTIC_VARIANCE_RATIO] = weir_samples_variance_ratio(s);
    r->test[WEIR_STATISTIC_QUANTILE_SHIFT] = weir_samples_quantile_shift(s);
    enum weir_test_status status = s->n_a == 0   ? WEIR_TEST_REFERENCE_EMPTY
                                   : s->n_b == 0 ? WEIR_TEST_CURRENT_EMPTY
                                                 : WEIR_TEST_OK;
    double unseen = outside(s->b, s->n_b, s->a, s->n_a);
    struct weir_test t = weir_beyond_range(unseen, n_a, n_b);
    if (t.status == WEIR_TEST_TOO_FEW) // a range of one value: a share, but no test
        t = (struct weir_test){unseen / n_b, 1, WEIR_TEST_OK};
    r->test[WEIR_STATISTIC_UNSEEN_SHARE] = t;
    r->test[WEIR_STATISTIC_VANISHED_SHARE] =
        value_of(status == WEIR_TEST_OK ? outside(s->a, s->n_a, s->b, s->n_b) / n_a : 0, status);
}

static double infinite_of(const struct weir_table_column *column)
{
    double n = 0;
    for (size_t i = 0; i < column->n; i++)
        n += isinf(column->number[i]) != 0;
    return n;
}

// Both sides in the cells of the reference (METHODS: 32 of equal mass, tails, atoms). *both is
// the caller's to free.
static int count_cells(const struct weir_samples *s, double **both, size_t *n_cells)
{
    struct weir_cells *cells;
    struct weir_error error;
    if (weir_cells_build_numeric(s->a, s->n_a, &cells, &error))
        return WEIR_ENOMEM;
    size_t n = cells->n;
    uint64_t *count = calloc(2 * n, sizeof *count);
    *both = calloc(2 * n, sizeof **both);
    *n_cells = n;
    int code = count && *both ? 0 : WEIR_ENOMEM;
    if (!code) {
        weir_cells_count(cells, s->a, s->n_a, count);
        weir_cells_count(cells, s->b, s->n_b, count + n);
        for (size_t i = 0; i < 2 * n; i++)
            (*both)[i] = (double)count[i];
    }
    free(count);
    weir_cells_free(cells);
    return code;
}

static int compare_numbers(const struct weir_table_column *a, const struct weir_table_column *b,
                           enum weir_preset preset, struct weir_field_comparison *out)
{
    double *va = malloc((a->n + 1) * sizeof *va), *vb = malloc((b->n + 1) * sizeof *vb);
    double *both = NULL;
    size_t n;
    struct results r;
    begin(&r);
    int code = va && vb ? 0 : WEIR_ENOMEM;
    if (!code) {
        struct weir_samples s = {va, finite_of(a, va), vb, finite_of(b, vb)};
        code = count_cells(&s, &both, &n);
        if (!code) {
            struct weir_cell_counts counts = {both, both + n, n, 1};
            set_numbers(&r, &s);
            set_cells(&r, &counts);
            set_share(&r, WEIR_STATISTIC_NULL_RATE, (double)a->n_absent, (double)a->n,
                      (double)b->n_absent, (double)b->n);
            set_share(&r, WEIR_STATISTIC_INFINITE_SHARE, infinite_of(a),
                      (double)(a->n - a->n_absent), infinite_of(b), (double)(b->n - b->n_absent));
            if (a->type == WEIR_COMPARE_VECTOR)
                code = weir_compare_vectors(a, b, r.test);
            finish(out, &r, a->type, &counts);
            weir_samples_quantile_shifts(&s, out->shifts);
            struct weir_test exact = weir_samples_ks_exact(&s);
            if (exact.status == WEIR_TEST_OK)
                out->statistics[0].p_exact = exact.p_value;
            if (preset != WEIR_PRESETS && !code)
                code = weir_preset_numbers(preset, &s, out->preset, &out->n_preset);
            if (preset == WEIR_PRESET_NANNYML && !code)
                code = weir_preset_chunked_numbers(a->number, a->n, out->preset, out->n_preset);
        }
    }
    free(both);
    free(va);
    free(vb);
    return code;
}

// ---- categories

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

// Fisher's test: of two values their odds ratio, else the whole table.
static struct weir_test exact_test(const struct weir_table_column *a,
                                   const struct weir_table_column *b, const struct category *c,
                                   size_t n, const struct weir_cell_counts *counts)
{
    if (n != 2)
        return weir_exact_table(counts->reference, counts->current, counts->n);
    int first = in_order(a, b, c) ? 0 : 1, second = 1 - first;
    return weir_fisher_exact(c[first].a, c[second].a, c[first].b, c[second].b);
}

static void set_categories(struct results *r, const struct category *c, size_t n)
{
    double total[2] = {0, 0}, share[2] = {0, 0}, values[2] = {0, 0}, most[2] = {0, 0}, once = 0;
    for (size_t i = 0; i < n; i++) {
        double count[2] = {c[i].a, c[i].b};
        once += c[i].a == 1;
        for (int side = 0; side < 2; side++) {
            total[side] += count[side];
            if (count[1 - side] > 0)
                continue; // only this side has it
            share[side] += count[side];
            values[side]++;
            most[side] = fmax(most[side], count[side]);
        }
    }
    enum weir_test_status status = !(total[0] > 0)   ? WEIR_TEST_REFERENCE_EMPTY
                                   : !(total[1] > 0) ? WEIR_TEST_CURRENT_EMPTY
                                                     : WEIR_TEST_OK;
    static const enum weir_statistic_id counts[2] = {WEIR_STATISTIC_VANISHED_CATEGORIES,
                                                     WEIR_STATISTIC_NEW_CATEGORIES};
    for (int side = 0; side < 2; side++) {
        struct weir_test t = value_of(0, status);
        if (status == WEIR_TEST_OK)
            t = weir_absence(most[side], total[1 - side], total[side], (double)n);
        if (t.status == WEIR_TEST_OK)
            t.value = values[side];
        r->test[counts[side]] = t;
    }
    // More of the reference would bring new values at the rate of those it has once.
    double rate = fmax(once, 1) / (total[0] + 1);
    r->test[WEIR_STATISTIC_UNSEEN_SHARE] =
        status == WEIR_TEST_OK ? weir_unseen_share(share[1], total[1], fmin(rate, 1))
                               : value_of(0, status);
    r->test[WEIR_STATISTIC_VANISHED_SHARE] =
        value_of(status == WEIR_TEST_OK ? share[0] / total[0] : 0, status);
}

static double empty_of(const struct category *c, size_t n, int side)
{
    uint64_t empty = weir_hash("", 0);
    for (size_t i = 0; i < n; i++)
        if (c[i].hash == empty)
            return side ? c[i].b : c[i].a;
    return 0;
}

static int compare_categories(const struct weir_table_column *a, const struct weir_table_column *b,
                              enum weir_preset preset, struct weir_field_comparison *out)
{
    size_t n;
    struct category *c = categories_of(a, b, &n);
    double *both = c ? calloc(2 * n + 2, sizeof *both) : NULL;
    if (!both) {
        free(c);
        return WEIR_ENOMEM;
    }
    size_t cells = n;
    if (a->type == WEIR_COMPARE_TEXT)
        for (cells = 1; cells <= TEXT_CELLS && cells < n && c[cells - 1].a >= TEXT_LEAST;)
            cells++;
    for (size_t i = 0; i < n; i++) {
        size_t k = i < cells ? i : cells - 1;
        both[k] += c[i].a;
        both[cells + k] += c[i].b;
    }
    struct weir_cell_counts counts = {both, both + cells, cells, 0};
    struct results r;
    begin(&r);
    set_cells(&r, &counts);
    set_categories(&r, c, n);
    r.test[WEIR_STATISTIC_FISHER] = exact_test(a, b, c, n, &counts);
    set_share(&r, WEIR_STATISTIC_NULL_RATE, (double)a->n_absent, (double)a->n, (double)b->n_absent,
              (double)b->n);
    set_share(&r, WEIR_STATISTIC_EMPTY_SHARE, empty_of(c, n, 0), (double)(a->n - a->n_absent),
              empty_of(c, n, 1), (double)(b->n - b->n_absent));
    int code = a->type == WEIR_COMPARE_TEXT ? weir_compare_texts(a, b, r.test) : 0;
    finish(out, &r, a->type, &counts);
    // The others have something else for text, whose rare values have no cells here.
    if (preset != WEIR_PRESETS && !code && a->type != WEIR_COMPARE_TEXT)
        code =
            weir_preset_categories(preset, both, both + cells, cells, out->preset, &out->n_preset);
    if (preset == WEIR_PRESET_NANNYML && !code && a->type != WEIR_COMPARE_TEXT)
        code = weir_preset_chunked_categories(a->hash, a->absent, a->n, out->preset, out->n_preset);
    free(both);
    free(c);
    return code;
}

int weir_compare_field(const struct weir_table_column *reference,
                       const struct weir_table_column *current, enum weir_preset preset,
                       struct weir_field_comparison *out)
{
    weir_comparison_begin(out);
    if (reference->type == WEIR_COMPARE_NUMERIC || reference->type == WEIR_COMPARE_VECTOR)
        return compare_numbers(reference, current, preset, out);
    return compare_categories(reference, current, preset, out);
}
