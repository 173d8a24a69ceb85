// SPDX-License-Identifier: Apache-2.0
#include "consumer/compare/matrix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/profile/frame.h"

#define LEAST_ROWS 20

double weir_matrix_value(const struct weir_table *table, const struct weir_matrix_choice *choice,
                         size_t j, size_t row)
{
    double x = table->columns[choice->column[j]].number[row];
    double z = (x - choice->mean[j]) / choice->deviation[j];
    return fabs(z) > WEIR_CO_MOMENTS_REACH ? copysign(WEIR_CO_MOMENTS_REACH, z) : z;
}

size_t weir_matrix_row(size_t i, size_t n, size_t all)
{
    return (size_t)((double)i * (double)all / (double)n);
}

static size_t rows_of(const struct weir_table *table)
{
    return table->rows < WEIR_MATRIX_ROWS ? (size_t)table->rows : WEIR_MATRIX_ROWS;
}

static void fill(const struct weir_table *table, const struct weir_matrix_choice *choice,
                 size_t rows, double *cell)
{
    size_t columns = choice->n;
    for (size_t i = 0; i < rows; i++) {
        size_t row = weir_matrix_row(i, rows, (size_t)table->rows);
        for (size_t j = 0; j < columns; j++) {
            double z = weir_matrix_value(table, choice, j, row);
            cell[i * columns + j] = isnan(z) ? 0 : z;
        }
    }
}

void weir_matrix_choose(const struct weir_table *reference, const struct weir_table *current,
                        struct weir_matrix_choice *out)
{
    size_t n = 0;
    for (size_t i = 0; i < reference->n_columns && n < WEIR_MATRIX_COLUMNS; i++) {
        const struct weir_table_column *a = &reference->columns[i], *b = &current->columns[i];
        if (a->type != WEIR_COMPARE_NUMERIC || a->is_list || a->tells_records ||
            a->n != reference->rows || b->n != current->rows || b->n_absent == b->n)
            continue;
        if (weir_frame_scale(a->number, a->n, &out->mean[n], &out->deviation[n]))
            out->column[n++] = i;
    }
    out->n = n;
}

int weir_matrix_make(const struct weir_table *reference, const struct weir_table *current,
                     struct weir_matrix_choice *choice, struct weir_matrix *matrix)
{
    weir_matrix_choose(reference, current, choice);
    size_t n = choice->n;
    struct weir_matrix m = {n, rows_of(reference), rows_of(current), NULL};
    if (n < 2 || m.rows_a < LEAST_ROWS || m.rows_b < LEAST_ROWS)
        return WEIR_ENOTFOUND;
    m.cell = malloc((m.rows_a + m.rows_b) * n * sizeof *m.cell);
    if (!m.cell)
        return WEIR_ENOMEM;
    fill(reference, choice, m.rows_a, m.cell);
    fill(current, choice, m.rows_b, m.cell + m.rows_a * n);
    *matrix = m;
    return 0;
}

void weir_matrix_free(struct weir_matrix *matrix)
{
    free(matrix->cell);
    matrix->cell = NULL;
}

static void rotate(double *a, double *vectors, size_t n, size_t p, size_t q)
{
    double apq = a[p * n + q];
    if (fabs(apq) < 1e-300)
        return;
    double theta = (a[q * n + q] - a[p * n + p]) / (2 * apq);
    double t = copysign(1, theta) / (fabs(theta) + hypot(theta, 1));
    double c = 1 / hypot(t, 1), s = t * c;
    for (size_t k = 0; k < n; k++) {
        double x = a[k * n + p], y = a[k * n + q];
        a[k * n + p] = c * x - s * y;
        a[k * n + q] = s * x + c * y;
    }
    for (size_t k = 0; k < n; k++) {
        double x = a[p * n + k], y = a[q * n + k];
        a[p * n + k] = c * x - s * y;
        a[q * n + k] = s * x + c * y;
        x = vectors[p * n + k];
        y = vectors[q * n + k];
        vectors[p * n + k] = c * x - s * y;
        vectors[q * n + k] = s * x + c * y;
    }
}

static void sort_down(double *values, double *vectors, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t best = i;
        for (size_t j = i + 1; j < n; j++)
            if (values[j] > values[best])
                best = j;
        double swap = values[i];
        values[i] = values[best];
        values[best] = swap;
        for (size_t k = 0; k < n && best != i; k++) {
            swap = vectors[i * n + k];
            vectors[i * n + k] = vectors[best * n + k];
            vectors[best * n + k] = swap;
        }
    }
}

void weir_matrix_eigen(double *a, size_t n, double *values, double *vectors)
{
    memset(vectors, 0, n * n * sizeof *vectors);
    for (size_t i = 0; i < n; i++)
        vectors[i * n + i] = 1;
    for (int sweep = 0; sweep < 30; sweep++) {
        double off = 0, all = 0;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) {
                all += a[i * n + j] * a[i * n + j];
                off += i == j ? 0 : a[i * n + j] * a[i * n + j];
            }
        if (off <= 1e-24 * all)
            break;
        for (size_t p = 0; p + 1 < n; p++)
            for (size_t q = p + 1; q < n; q++)
                rotate(a, vectors, n, p, q);
    }
    for (size_t i = 0; i < n; i++)
        values[i] = a[i * n + i];
    sort_down(values, vectors, n);
}

int weir_matrix_solve(double *a, double *b, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t k = 0; k < j; k++)
            for (size_t i = j; i < n; i++)
                a[i * n + j] -= a[i * n + k] * a[j * n + k];
        if (!(a[j * n + j] > 0))
            return WEIR_EINVAL;
        double root = sqrt(a[j * n + j]);
        for (size_t i = j; i < n; i++)
            a[i * n + j] /= root;
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++)
            b[i] -= a[i * n + k] * b[k];
        b[i] /= a[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++)
            b[i] -= a[k * n + i] * b[k];
        b[i] /= a[i * n + i];
    }
    return 0;
}
