// SPDX-License-Identifier: Apache-2.0
// The distance of two sets of rows by the means of random features (stats/embedding.h).
#ifndef WEIR_COMPARE_EMBEDDINGS_H
#define WEIR_COMPARE_EMBEDDINGS_H

#include "consumer/compare/compare.h"
#include "consumer/compare/matrix.h"

struct weir_embedded {
    size_t n, rows[2]; // numbers of a row; rows of reference and current
    double width;
    // Number j of a row, standardised by the reference, 0 where there is none.
    double (*value)(const void *context, int side, size_t j, size_t row);
    const void *context;
};

// Every row; p by how up to 1,000 of the reference scatter. WEIR_ENOMEM.
int weir_compare_embedded(const struct weir_embedded *rows, struct weir_test *out);
// Of the fields that were chosen (two at least), every row. `bound` is as if these were a sample.
int weir_compare_mmd(const struct weir_table *reference, const struct weir_table *current,
                     const struct weir_matrix_choice *choice, struct weir_comparison *out);

#endif
