// SPDX-License-Identifier: Apache-2.0
#include "consumer/compare/embeddings.h"

#include <math.h>
#include <stdlib.h>

#include "stats/embedding.h"

enum { BLOCK = WEIR_EMBEDDING_BLOCK, SPREAD_ROWS = 1000, LEAST_ROWS = 20 };

static void sum_rows(const struct weir_embedded *rows, int side, float *z,
                     struct weir_embedding *embedding)
{
    for (size_t done = 0; done < rows->rows[side]; done += BLOCK) {
        size_t part = rows->rows[side] - done < BLOCK ? rows->rows[side] - done : BLOCK;
        for (size_t j = 0; j < rows->n; j++)
            for (size_t r = 0; r < part; r++)
                z[j * BLOCK + r] = (float)rows->value(rows->context, side, j, done + r);
        weir_embedding_add(embedding, z, BLOCK, part);
    }
}

static int find_spread(const struct weir_embedded *rows, const struct weir_embedding *embedding,
                       struct weir_embedding_spread *out)
{
    size_t all = rows->rows[0], n = all < SPREAD_ROWS ? all : SPREAD_ROWS;
    float *z = malloc((rows->n * n + 1) * sizeof *z);
    if (!z)
        return WEIR_ENOMEM;
    for (size_t j = 0; j < rows->n; j++)
        for (size_t r = 0; r < n; r++) {
            size_t row = weir_matrix_row(r, n, all);
            z[j * n + r] = (float)rows->value(rows->context, 0, j, row);
        }
    int code = weir_embedding_spread(embedding, z, n, n, out);
    free(z);
    return code;
}

int weir_compare_embedded(const struct weir_embedded *rows, struct weir_test *out)
{
    struct weir_embedding *sides[2] = {NULL, NULL};
    struct weir_embedding_spread spread;
    float *z = malloc(rows->n * BLOCK * sizeof *z);
    int code = z ? 0 : WEIR_ENOMEM;
    for (int side = 0; side < 2 && !code; side++) {
        code = weir_embedding_create(rows->n, rows->width, &sides[side]);
        if (!code)
            sum_rows(rows, side, z, sides[side]);
    }
    int known = rows->rows[0] >= LEAST_ROWS;
    if (!code && known)
        code = find_spread(rows, sides[0], &spread);
    if (!code)
        *out = weir_embedding_distance(sides[0], sides[1], known ? &spread : NULL);
    weir_embedding_destroy(sides[0]);
    weir_embedding_destroy(sides[1]);
    free(z);
    return code;
}

struct tables {
    const struct weir_table *sides[2];
    const struct weir_matrix_choice *choice;
};

static double value_of(const void *context, int side, size_t j, size_t row)
{
    const struct tables *tables = context;
    double z = weir_matrix_value(tables->sides[side], tables->choice, j, row);
    return isnan(z) ? 0 : z;
}

int weir_compare_mmd(const struct weir_table *reference, const struct weir_table *current,
                     const struct weir_matrix_choice *choice, struct weir_comparison *out)
{
    struct tables tables = {{reference, current}, choice};
    struct weir_embedded rows = {.n = choice->n,
                                 .rows = {(size_t)reference->rows, (size_t)current->rows},
                                 .width = sqrt(2 * (double)choice->n),
                                 .value = value_of,
                                 .context = &tables};
    struct weir_test test;
    int code = weir_compare_embedded(&rows, &test);
    if (code)
        return code;
    *out = (struct weir_comparison){"mmd", test.value, test.p_value, NAN, NAN, NAN, NAN, NULL};
    // Twice the root mean square of the error of both mean embeddings.
    out->bound = 2 * sqrt(1 / (double)reference->rows + 1 / (double)current->rows);
    return 0;
}
