// SPDX-License-Identifier: Apache-2.0
// Columns whose values are more than a number or a category: texts and vectors.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/compare/embeddings.h"
#include "consumer/compare/summaries.h"
#include "stats/sort.h"

enum { MOST_DIMENSIONS = 512, LEAST_ROWS = 20 };
#define NORMAL_95 1.959963984540054

static struct weir_test value_of(double value, enum weir_test_status status)
{
    return (struct weir_test){status == WEIR_TEST_OK ? value : 0, 1, status};
}

static enum weir_test_status status_of(size_t a, size_t b)
{
    return !a ? WEIR_TEST_REFERENCE_EMPTY : !b ? WEIR_TEST_CURRENT_EMPTY : WEIR_TEST_OK;
}

// ---- texts

// The share of b's words that a never has; both are sorted.
static double unknown_words(const struct weir_table_words *a, const struct weir_table_words *b)
{
    size_t i = 0, unknown = 0;
    for (size_t j = 0; j < b->n; j++) {
        while (i < a->n && a->hash[i] < b->hash[j])
            i++;
        unknown += i == a->n || a->hash[i] != b->hash[j];
    }
    return (double)unknown / (double)b->n;
}

int weir_compare_texts(const struct weir_table_column *a, const struct weir_table_column *b,
                       struct weir_test out[WEIR_STATISTICS])
{
    struct weir_table_words *words[2] = {a->words, b->words};
    if (!words[0] || !words[1])
        return 0;
    for (int side = 0; side < 2; side++) {
        if (words[side]->n)
            weir_sort_hashes(words[side]->hash, words[side]->n);
        weir_sort_doubles(words[side]->length, words[side]->n_lengths);
    }
    struct weir_samples lengths = {words[0]->length, words[0]->n_lengths, words[1]->length,
                                   words[1]->n_lengths};
    out[WEIR_STATISTIC_TEXT_LENGTH] = weir_samples_wasserstein_normalised(&lengths);
    double classes = weir_text_class_distance(&words[0]->counts, &words[1]->counts);
    double tokens = weir_text_token_distance(&words[0]->counts, &words[1]->counts);
    enum weir_test_status none = WEIR_TEST_NOT_APPLICABLE;
    out[WEIR_STATISTIC_CHARACTER_CLASSES] = value_of(classes, classes < 0 ? none : WEIR_TEST_OK);
    out[WEIR_STATISTIC_TOKEN_DISTRIBUTION] = value_of(tokens, tokens < 0 ? none : WEIR_TEST_OK);
    enum weir_test_status status = status_of(words[0]->n, words[1]->n);
    out[WEIR_STATISTIC_OUT_OF_VOCABULARY] =
        value_of(status == WEIR_TEST_OK ? unknown_words(words[0], words[1]) : 0, status);
    return 0;
}

// ---- vectors

struct vectors {
    double *cell; // row by row
    size_t rows, dimensions;
};

// The rows that have `dimensions` finite elements; 0 dimensions: those of the first row with any.
static int gather(const struct weir_table_column *column, size_t dimensions, struct vectors *out)
{
    size_t from = 0;
    *out = (struct vectors){.dimensions = dimensions};
    for (size_t i = 0; i < column->n_ends && !out->dimensions; i++)
        out->dimensions = column->ends[i] - (i ? column->ends[i - 1] : 0);
    size_t d = out->dimensions;
    if (!d || d > MOST_DIMENSIONS)
        return 0;
    out->cell = malloc((column->n + 1) * sizeof *out->cell);
    if (!out->cell)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < column->n_ends; from = column->ends[i++]) {
        int good = column->ends[i] - from == d;
        for (size_t j = from; good && j < column->ends[i]; j++)
            good = isfinite(column->number[j]);
        if (good)
            memcpy(out->cell + out->rows++ * d, column->number + from, d * sizeof *out->cell);
    }
    return 0;
}

static struct weir_moments_pair moments_of(const struct vectors *a, const struct vectors *b,
                                           size_t column)
{
    const struct vectors *const sides[2] = {a, b};
    double mean[2], variance[2];
    for (int side = 0; side < 2; side++) {
        const struct vectors *v = sides[side];
        double n = (double)v->rows, squares = 0;
        mean[side] = 0;
        for (size_t i = 0; i < v->rows; i++)
            mean[side] += v->cell[i * v->dimensions + column] / n;
        for (size_t i = 0; i < v->rows; i++) {
            double gap = v->cell[i * v->dimensions + column] - mean[side];
            squares += gap * gap;
        }
        variance[side] = n > 1 ? squares / (n - 1) : 0;
    }
    return (struct weir_moments_pair){(double)a->rows, mean[0], variance[0],
                                      (double)b->rows, mean[1], variance[1]};
}

// How far the means are apart, in the reference's overall spread; p of the dimension that moved
// most, times the dimensions.
static struct weir_test mean_shift(const struct vectors *a, const struct vectors *b)
{
    double square = 0, spread = 0, least = 1;
    int tested = 0;
    for (size_t j = 0; j < a->dimensions; j++) {
        struct weir_moments_pair m = moments_of(a, b, j);
        struct weir_test t = weir_moments_welch_t(&m);
        square += (m.mean_b - m.mean_a) * (m.mean_b - m.mean_a);
        spread += m.variance_a;
        if (t.status == WEIR_TEST_OK) {
            least = fmin(least, t.p_value);
            tested = 1;
        }
    }
    if (!(spread > 0) || !tested || !isfinite(square / spread))
        return value_of(0, WEIR_TEST_NOT_APPLICABLE);
    return (struct weir_test){sqrt(square / spread), fmin(1, least * (double)a->dimensions),
                              WEIR_TEST_OK};
}

static double *norms_of(const struct vectors *v)
{
    double *norm = malloc((v->rows + 1) * sizeof *norm);
    for (size_t i = 0; norm && i < v->rows; i++) {
        double square = 0;
        for (size_t j = 0; j < v->dimensions; j++)
            square += v->cell[i * v->dimensions + j] * v->cell[i * v->dimensions + j];
        norm[i] = sqrt(square);
    }
    return norm;
}

static struct weir_test norm_shift(const struct vectors *a, const struct vectors *b)
{
    double *na = norms_of(a), *nb = norms_of(b);
    struct weir_test t = value_of(0, WEIR_TEST_NO_MEMORY);
    if (na && nb) {
        struct vectors va = {na, a->rows, 1}, vb = {nb, b->rows, 1};
        struct weir_moments_pair m = moments_of(&va, &vb, 0);
        t = weir_moments_welch_t(&m);
        double shift = m.variance_a > 0 ? (m.mean_b - m.mean_a) / sqrt(m.variance_a) : NAN;
        if (t.status == WEIR_TEST_OK)
            t = isfinite(shift) ? (struct weir_test){shift, t.p_value, WEIR_TEST_OK}
                                : value_of(0, WEIR_TEST_NOT_APPLICABLE);
    }
    free(na);
    free(nb);
    return t;
}

struct standard {
    const struct vectors *sides[2];
    double *mean, *unit;
};

static double value_at(const void *context, int side, size_t j, size_t row)
{
    const struct standard *s = context;
    double z =
        (s->sides[side]->cell[row * s->sides[side]->dimensions + j] - s->mean[j]) / s->unit[j];
    return isfinite(z) ? fmin(fmax(z, -10), 10) : 0;
}

// Of every row, each dimension in the reference's standard deviations.
static int embedding_distance(const struct vectors *a, const struct vectors *b,
                              struct weir_test *out)
{
    size_t d = a->dimensions, vary = 0;
    if (a->rows < LEAST_ROWS || b->rows < LEAST_ROWS) {
        *out = value_of(0, WEIR_TEST_TOO_FEW);
        return 0;
    }
    double *mean = malloc(2 * d * sizeof *mean);
    if (!mean)
        return WEIR_ENOMEM;
    struct standard standard = {{a, b}, mean, mean + d};
    for (size_t j = 0; j < d; j++) {
        struct weir_moments_pair m = moments_of(a, a, j);
        mean[j] = m.mean_a;
        standard.unit[j] = m.variance_a > 0 ? sqrt(m.variance_a) : 1;
        vary += m.variance_a > 0;
    }
    struct weir_embedded rows = {.n = d,
                                 .rows = {a->rows, b->rows},
                                 .width = sqrt(2 * (double)(vary ? vary : d)),
                                 .value = value_at,
                                 .context = &standard};
    int code = weir_compare_embedded(&rows, out);
    free(mean);
    return code;
}

int weir_compare_vectors(const struct weir_table_column *a, const struct weir_table_column *b,
                         struct weir_test out[WEIR_STATISTICS])
{
    struct vectors va = {NULL, 0, 0}, vb = {NULL, 0, 0};
    int code = gather(a, 0, &va);
    if (!code && va.cell)
        code = gather(b, va.dimensions, &vb);
    if (!code && va.cell && vb.cell) {
        enum weir_test_status status = status_of(va.rows, vb.rows);
        out[WEIR_STATISTIC_MEAN_SHIFT] =
            status == WEIR_TEST_OK ? mean_shift(&va, &vb) : value_of(0, status);
        out[WEIR_STATISTIC_NORM_SHIFT] =
            status == WEIR_TEST_OK ? norm_shift(&va, &vb) : value_of(0, status);
        code = embedding_distance(&va, &vb, &out[WEIR_STATISTIC_VECTOR_MMD]);
    }
    free(va.cell);
    free(vb.cell);
    return code;
}

static void norm_bound(const struct vectors *a, const struct vectors *b, double *bound)
{
    double *na = norms_of(a), *nb = norms_of(b);
    if (na && nb) {
        struct vectors va = {na, a->rows, 1}, vb = {nb, b->rows, 1};
        struct weir_moments_pair m = moments_of(&va, &vb, 0);
        *bound =
            NORMAL_95 * sqrt(1 / (double)a->rows + m.variance_b / m.variance_a / (double)b->rows);
    }
    free(na);
    free(nb);
}

int weir_compare_vector_bounds(const struct weir_table_column *a, const struct weir_table_column *b,
                               double bounds[WEIR_VECTOR_STATISTICS])
{
    struct vectors va = {NULL, 0, 0}, vb = {NULL, 0, 0};
    int code = gather(a, 0, &va);
    for (int i = 0; i < WEIR_VECTOR_STATISTICS; i++)
        bounds[i] = NAN;
    if (!code && va.cell)
        code = gather(b, va.dimensions, &vb);
    if (!code && va.rows && vb.rows) {
        double spread[2] = {0, 0};
        for (size_t j = 0; j < va.dimensions; j++) {
            struct weir_moments_pair m = moments_of(&va, &vb, j);
            spread[0] += m.variance_a;
            spread[1] += m.variance_b;
        }
        // Twice the root mean square of the error of the difference of the means.
        bounds[0] = 2 * sqrt(1 / (double)va.rows + spread[1] / spread[0] / (double)vb.rows);
        norm_bound(&va, &vb, &bounds[1]);
        bounds[2] = 2 * sqrt(1 / (double)va.rows + 1 / (double)vb.rows);
    }
    free(va.cell);
    free(vb.cell);
    return code;
}
