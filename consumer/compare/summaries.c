// SPDX-License-Identifier: Apache-2.0
#include "consumer/compare/summaries.h"

#include <math.h>
#include <stdlib.h>

int weir_compare_summaries(const struct weir_summary *a, const struct weir_summary *b,
                           enum weir_compare_type type, int same_cells,
                           struct weir_field_comparison *out)
{
    struct weir_statistic_result results[WEIR_STATISTICS];
    uint64_t wanted = weir_comparison_wanted(type);
    size_t n = a->cells->n;
    double *counts = calloc(2 * n + 1, sizeof *counts);
    int code = counts ? 0 : WEIR_ENOMEM;
    weir_comparison_begin(out);
    if (!code)
        code = weir_summary_statistics(a, b, same_cells, wanted, results, out->shifts);
    if (!code)
        code = weir_summary_counts_in_cells(a, b, same_cells, counts + n, NULL);
    for (unsigned i = 0; i < WEIR_STATISTICS && !code; i++) {
        const struct weir_statistic_result *r = &results[i];
        if (!(wanted >> i & 1))
            continue;
        struct weir_comparison *c = weir_comparison_add(out, (enum weir_statistic_id)i, r->test);
        c->reference = r->reference;
        c->current = r->current;
        c->bound = r->test.status == WEIR_TEST_OK ? r->bound : NAN;
    }
    for (size_t i = 0; i < n && !code; i++)
        counts[i] = (double)a->cell[i];
    if (!code) {
        const struct weir_statistic_result *nulls = &results[WEIR_STATISTIC_NULL_RATE];
        weir_comparison_judge(
            out, &(struct weir_cell_counts){counts, counts + n, n, a->shape == WEIR_SHAPE_NUMERIC},
            &nulls->test, nulls->current - nulls->reference);
    }
    free(counts);
    return code;
}
