// SPDX-License-Identifier: Apache-2.0
// The numeric fields of two files as one matrix, standardised by the reference.
#ifndef WEIR_COMPARE_MATRIX_H
#define WEIR_COMPARE_MATRIX_H

#include "consumer/compare/table.h"

enum { WEIR_MATRIX_COLUMNS = 64, WEIR_MATRIX_ROWS = 2000 };

struct weir_matrix {
    size_t columns;
    size_t rows_a, rows_b; // rows of the reference come first
    double *cell;          // row by row
};

// The fields that are taken, with the reference's mean and standard deviation.
struct weir_matrix_choice {
    size_t n, column[WEIR_MATRIX_COLUMNS];
    double mean[WEIR_MATRIX_COLUMNS], deviation[WEIR_MATRIX_COLUMNS];
};
void weir_matrix_choose(const struct weir_table *reference, const struct weir_table *current,
                        struct weir_matrix_choice *out);

// A row's number j in the reference's standard deviations, cut at 10; NAN where there is none.
double weir_matrix_value(const struct weir_table *table, const struct weir_matrix_choice *choice,
                         size_t j, size_t row);

// Row i of `n` that are taken of `all` at even distances: a stretch of time is not preferred.
size_t weir_matrix_row(size_t i, size_t n, size_t all);

// WEIR_ENOTFOUND: fewer than two numeric fields that vary, or fewer than 20 rows of either. The
// choice is made in any case.
int weir_matrix_make(const struct weir_table *reference, const struct weir_table *current,
                     struct weir_matrix_choice *choice, struct weir_matrix *matrix);
void weir_matrix_free(struct weir_matrix *matrix);

// Eigenvalues (descending) and eigenvectors (rows of `vectors`) of the symmetric n x n `a`,
// which is used up: Jacobi's rotations.
void weir_matrix_eigen(double *a, size_t n, double *values, double *vectors);
// Solves a x = b for a symmetric positive definite `a` by Cholesky; a and b are used up, b
// becomes x. WEIR_EINVAL where it is not positive definite.
int weir_matrix_solve(double *a, double *b, size_t n);

#endif
