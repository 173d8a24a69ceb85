// SPDX-License-Identifier: Apache-2.0
#include "consumer/compare/correlations.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/compare/matrix.h"
#include "stats/special.h"

enum { BLOCK = WEIR_CO_MOMENTS_BLOCK, LEAST = 4, SAMPLED = WEIR_MATRIX_ROWS };
#define NEAR_ONE .9999 // beyond it fields are one, but for how their values were rounded
#define PI 3.14159265358979323846

// How much wider than a normal pair's the scatter of a correlation is.
static double tail_factor(const double *x, const double *y, size_t rows)
{
    double n = 0, mx = 0, my = 0, xx = 0, yy = 0, xy = 0, both = 0;
    for (size_t i = 0; i < rows; i++) {
        int there = !isnan(x[i]) && !isnan(y[i]);
        n += there;
        mx += there ? x[i] : 0;
        my += there ? y[i] : 0;
    }
    if (n < LEAST)
        return 1;
    mx /= n;
    my /= n;
    for (size_t i = 0; i < rows; i++) {
        if (isnan(x[i]) || isnan(y[i]))
            continue;
        double a = (x[i] - mx) * (x[i] - mx), b = (y[i] - my) * (y[i] - my);
        xx += a;
        yy += b;
        xy += (x[i] - mx) * (y[i] - my);
        both += a * b;
    }
    double factor = n * both / (xx * yy + 2 * xy * xy);
    return isfinite(factor) && factor > 1 ? factor : 1;
}

// What r may be where what was cut had turned the two by an angle.
static double off_by(double r, double turned)
{
    double angle = acos(r), low = fmax(0, angle - turned), high = fmin(PI, angle + turned);
    return turned > 0 ? fmax(fabs(cos(low) - r), fabs(cos(high) - r)) : 0;
}

struct change {
    double size, p, bound;
};

// 0: the pair cannot be told on both sides.
static int change_of(const struct weir_correlations *c, size_t j, size_t k, struct change *out)
{
    double r[2], variance = 0;
    *out = (struct change){0, 1, 0};
    const struct weir_correlated *x = &c->fields[j], *y = &c->fields[k];
    for (int side = 0; side < 2; side++) {
        struct weir_correlation found =
            weir_co_moments_correlation(c->sums[side], x->in[side], y->in[side]);
        if (isnan(found.r) || found.n < LEAST)
            return 0;
        double factor =
            x->z[side] && y->z[side] ? tail_factor(x->z[side], y->z[side], c->rows[side]) : 1;
        r[side] = found.r;
        variance += factor / ((double)found.n - 3);
        out->bound += found.error + off_by(found.r, x->turned[side] + y->turned[side]);
    }
    out->size = fabs(r[0] - r[1]);
    double a = atanh(fmax(fmin(r[0], NEAR_ONE), -NEAR_ONE));
    double b = atanh(fmax(fmin(r[1], NEAR_ONE), -NEAR_ONE));
    out->p = 2 * weir_normal_sf(fabs(a - b) / sqrt(variance));
    return 1;
}

void weir_compare_correlations(const struct weir_correlations *c, struct weir_comparison *out)
{
    struct change most = {0, 1, 0};
    size_t pairs = 0;
    for (size_t j = 0; j < c->n; j++)
        for (size_t k = 0; k < j; k++) {
            struct change change;
            if (!change_of(c, j, k, &change))
                continue;
            most.size = fmax(most.size, change.size);
            most.p = fmin(most.p, change.p);
            most.bound = fmax(most.bound, change.bound);
            pairs++;
        }
    *out = (struct weir_comparison){
        "correlation_change", NAN, NAN, NAN, NAN, NAN, NAN, "no two fields vary in both files"};
    if (!pairs)
        return;
    out->value = most.size;
    out->p_value = fmin(1, most.p * (double)pairs);
    out->bound = fmin(2, most.bound);
    out->reason = NULL;
}

double weir_correlations_turned(double cut_variance, double variance)
{
    double share = sqrt(cut_variance / variance);
    return !(variance > 0) || !isfinite(share) ? PI / 2 : share < 1 ? acos(share) : 0;
}

// ---- of files

static int sum_rows(const struct weir_table *table, const struct weir_matrix_choice *choice,
                    struct weir_co_moments **out)
{
    size_t n = choice->n, rows = (size_t)table->rows;
    double *z = malloc(2 * n * BLOCK * sizeof *z), *present = z + n * BLOCK;
    int code = z ? weir_co_moments_create(n, out) : WEIR_ENOMEM;
    for (size_t done = 0; done < rows && !code; done += BLOCK) {
        size_t part = rows - done < BLOCK ? rows - done : BLOCK;
        for (size_t j = 0; j < n; j++)
            for (size_t r = 0; r < part; r++) {
                double value = weir_matrix_value(table, choice, j, done + r);
                z[j * BLOCK + r] = isnan(value) ? 0 : value;
                present[j * BLOCK + r] = !isnan(value);
            }
        weir_co_moments_add(*out, z, present, part);
    }
    free(z);
    return code;
}

static double *sample_rows(const struct weir_table *table, const struct weir_matrix_choice *choice,
                           size_t *rows)
{
    size_t all = (size_t)table->rows;
    *rows = all < SAMPLED ? all : SAMPLED;
    double *z = malloc((choice->n * *rows + 1) * sizeof *z);
    for (size_t j = 0; z && j < choice->n; j++)
        for (size_t i = 0; i < *rows; i++)
            z[j * *rows + i] = weir_matrix_value(table, choice, j, weir_matrix_row(i, *rows, all));
    return z;
}

int weir_compare_table_correlations(const struct weir_table *reference,
                                    const struct weir_table *current, struct weir_comparison *out)
{
    struct weir_matrix_choice choice;
    weir_matrix_choose(reference, current, &choice);
    if (choice.n < 2)
        return 0; // it has a reason already
    struct weir_correlated fields[WEIR_MATRIX_COLUMNS];
    const struct weir_table *const sides[2] = {reference, current};
    struct weir_co_moments *sums[2] = {NULL, NULL};
    double *z[2] = {NULL, NULL};
    struct weir_correlations c = {.fields = fields, .n = choice.n};
    int code = 0;
    for (int s = 0; s < 2 && !code; s++) {
        code = sum_rows(sides[s], &choice, &sums[s]);
        z[s] = code ? NULL : sample_rows(sides[s], &choice, &c.rows[s]);
        code = code || z[s] ? code : WEIR_ENOMEM;
        c.sums[s] = sums[s];
    }
    for (size_t j = 0; j < choice.n && !code; j++)
        fields[j] =
            (struct weir_correlated){{j, j}, {0, 0}, {z[0] + j * c.rows[0], z[1] + j * c.rows[1]}};
    if (!code)
        weir_compare_correlations(&c, out);
    for (int s = 0; s < 2; s++) {
        weir_co_moments_destroy(sums[s]);
        free(z[s]);
    }
    return code;
}
