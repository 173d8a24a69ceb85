// SPDX-License-Identifier: Apache-2.0
// A summary's life, merging and reading; stats/summary_absorb.c takes values in,
// stats/summary_wire.c writes and reads bytes.
#include "stats/summary.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/cells.h"
#include "stats/ddsketch.h"
#include "stats/hll.h"
#include "stats/moments.h"
#include "stats/summary_parts.h"
#include "stats/top.h"

enum { TOP_CAPACITY = 64, TOP_CAPACITY_MAX = 1 << 16 };

// Where the spread is small beside the values, 1% of the value says nothing about them: the
// sketch is of x - centre then.
static double origin_of(const struct weir_cells *cells)
{
    return cells && cells->scale < 0.05 * fabs(cells->centre) ? cells->centre : 0;
}

int weir_summary_init(struct weir_summary *summary, const struct weir_summary_spec *spec)
{
    struct weir_summary made = {.shape = spec->shape, .parts = spec->parts};
    uint32_t capacity = spec->top_capacity ? spec->top_capacity : TOP_CAPACITY;
    if (capacity > TOP_CAPACITY_MAX || (spec->cells && spec->cells->shape != spec->shape))
        return WEIR_EINVAL;
    if ((spec->parts & WEIR_PART_CELLS) && !spec->cells)
        return WEIR_EINVAL;
    made.cells = spec->cells;
    int failed = 0;
    if (spec->parts & WEIR_PART_CELLS)
        failed |= !(made.cell = calloc(spec->cells->n, sizeof *made.cell));
    if (spec->parts & WEIR_PART_QUANTILES)
        failed |= !(made.quantiles = weir_ddsketch_create(origin_of(spec->cells)));
    if (spec->parts & WEIR_PART_DISTINCT)
        failed |= !(made.distinct = weir_hll_create());
    if (spec->parts & WEIR_PART_TOP)
        failed |= !(made.top = weir_top_create(capacity));
    if (failed) {
        weir_summary_free(&made);
        return WEIR_ENOMEM;
    }
    *summary = made;
    return 0;
}

void weir_summary_free(struct weir_summary *summary)
{
    free(summary->cell);
    weir_ddsketch_destroy(summary->quantiles);
    weir_hll_destroy(summary->distinct);
    weir_top_destroy(summary->top);
    memset(summary, 0, sizeof *summary);
}

void weir_summary_reset(struct weir_summary *summary)
{
    struct weir_summary empty = {.shape = summary->shape,
                                 .parts = summary->parts,
                                 .cells = summary->cells,
                                 .cell = summary->cell,
                                 .quantiles = summary->quantiles,
                                 .distinct = summary->distinct,
                                 .top = summary->top};
    if (empty.cell)
        memset(empty.cell, 0, empty.cells->n * sizeof *empty.cell);
    if (empty.quantiles)
        weir_ddsketch_reset(empty.quantiles);
    if (empty.distinct)
        weir_hll_reset(empty.distinct);
    if (empty.top)
        weir_top_reset(empty.top);
    *summary = empty;
}

static int same_cells(const struct weir_cells *a, const struct weir_cells *b)
{
    if (a == b)
        return 1;
    return a && b && a->n == b->n && weir_cells_hash(a) == weir_cells_hash(b);
}

int weir_summary_merge(struct weir_summary *into, const struct weir_summary *from)
{
    if (into->shape != from->shape || into->parts != from->parts ||
        !same_cells(into->cells, from->cells))
        return WEIR_EINVAL;
    int code = 0;
    if (!code && into->quantiles)
        code = weir_ddsketch_merge(into->quantiles, from->quantiles);
    if (!code && into->distinct)
        code = weir_hll_merge(into->distinct, from->distinct);
    if (!code && into->top)
        code = weir_top_merge(into->top, from->top);
    if (code)
        return code;
    uint64_t *to[WEIR_SUMMARY_COUNTS];
    uint64_t *add[WEIR_SUMMARY_COUNTS];
    weir_summary_counts(into, to);
    weir_summary_counts((struct weir_summary *)from, add);
    for (size_t i = 0; i < WEIR_SUMMARY_COUNTS; i++)
        *to[i] += *add[i];
    if (into->parts & WEIR_PART_MOMENTS)
        weir_moments_merge(&into->moments, &from->moments);
    for (size_t i = 0; into->cell && i < into->cells->n; i++)
        into->cell[i] += from->cell[i];
    return 0;
}

size_t weir_summary_memory(const struct weir_summary *summary)
{
    return sizeof *summary + (summary->cell ? summary->cells->n * sizeof *summary->cell : 0) +
           (summary->quantiles ? weir_ddsketch_memory(summary->quantiles) : 0) +
           (summary->distinct ? weir_hll_memory(summary->distinct) : 0) +
           (summary->top ? weir_top_memory(summary->top) : 0);
}

void weir_summary_counts(struct weir_summary *summary, uint64_t *counts[WEIR_SUMMARY_COUNTS])
{
    uint64_t *const all[WEIR_SUMMARY_COUNTS] = {
        &summary->rows,  &summary->values, &summary->null,         &summary->missing,
        &summary->fault, &summary->nan,    &summary->infinite_low, &summary->infinite_high,
        &summary->empty, &summary->unseen,
    };
    memcpy(counts, all, sizeof all);
}

// Values are taken to lie evenly within their cell.
static double quantile_by_cells(const struct weir_summary *summary, double q)
{
    const struct weir_cells *cells = summary->cells;
    const struct weir_moments *moments = &summary->moments;
    int bounded = (summary->parts & WEIR_PART_MOMENTS) && moments->n + moments->outside;
    uint64_t n = 0;
    for (size_t i = 0; i < cells->n; i++)
        n += summary->cell[i];
    if (!n || (cells->n == 1 && !bounded))
        return NAN;
    double left = q * (double)n;
    size_t i = 0;
    while (i + 1 < cells->n && (left > (double)summary->cell[i] || !summary->cell[i])) {
        left -= (double)summary->cell[i];
        i++;
    }
    while (i && !summary->cell[i]) {
        i--;
        left = (double)summary->cell[i];
    }
    double low = i ? cells->cuts[i - 1] : bounded ? moments->minimum : cells->cuts[0];
    double high = i + 1 < cells->n ? cells->cuts[i] : bounded ? moments->maximum : low;
    double share = left / (double)summary->cell[i];
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    double value = weir_cells_is_atom(cells, i) ? high : low + (high - low) * share;
    // The edge below an atom at zero.
    return fabs(value) < DBL_MIN ? 0 : value;
}

double weir_summary_quantile(const struct weir_summary *summary, double q)
{
    const struct weir_moments *moments = &summary->moments;
    double value = NAN;
    if (!(q >= 0 && q <= 1))
        return NAN;
    int bounded = (summary->parts & WEIR_PART_MOMENTS) && moments->n + moments->outside;
    if (bounded && (q == 0 || q == 1))
        return q == 0 ? moments->minimum : moments->maximum;
    if (summary->quantiles)
        value = weir_ddsketch_quantile(summary->quantiles, q);
    else if (summary->cell && summary->shape == WEIR_SHAPE_NUMERIC)
        value = quantile_by_cells(summary, q);
    if (bounded && value < moments->minimum)
        value = moments->minimum;
    if (bounded && value > moments->maximum)
        value = moments->maximum;
    return value;
}
