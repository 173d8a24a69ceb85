// SPDX-License-Identifier: Apache-2.0
// The bytes of a summary: parts, cell count, then each part. Zeros are cheap: counts are varints
// and runs of empty cells are one number.
#include <math.h>

#include "stats/ddsketch.h"
#include "stats/hll.h"
#include "stats/moments.h"
#include "stats/summary.h"
#include "stats/summary_parts.h"
#include "stats/top.h"
#include "stats/wide.h"

// Above it no count is believed, so that no sum of a few of them wraps.
#define COUNT_LIMIT ((size_t)1 << 60)

static void write_moments(const struct weir_moments *moments, struct weir_buffer *out)
{
    weir_put_long(out, (int64_t)moments->n);
    weir_put_long(out, (int64_t)moments->outside);
    if (!(moments->n + moments->outside))
        return;
    weir_put_wide(out, moments->sum);
    weir_put_wide(out, moments->sum_squares);
    weir_put_double(out, moments->minimum);
    weir_put_double(out, moments->maximum);
}

static void read_moments(struct weir_moments *moments, struct weir_reader *in)
{
    moments->n = weir_get_count(in, COUNT_LIMIT);
    moments->outside = weir_get_count(in, COUNT_LIMIT);
    if (in->failed || !(moments->n + moments->outside))
        return;
    moments->sum = weir_get_wide(in);
    moments->sum_squares = weir_get_wide(in);
    moments->minimum = weir_get_double(in);
    moments->maximum = weir_get_double(in);
    if (moments->sum_squares < 0 || !isfinite(moments->minimum) || !isfinite(moments->maximum) ||
        moments->minimum > moments->maximum)
        in->failed = 1;
}

static void write_cells(const uint64_t *cell, size_t n, struct weir_buffer *out)
{
    for (size_t i = 0; i < n;) {
        size_t zeros = i;
        while (zeros < n && !cell[zeros])
            zeros++;
        if (zeros > i) {
            weir_put_long(out, 0);
            weir_put_long(out, (int64_t)(zeros - i));
            i = zeros;
        } else {
            weir_put_long(out, (int64_t)cell[i++]);
        }
    }
}

static void read_cells(uint64_t *cell, size_t n, uint64_t values, struct weir_reader *in)
{
    uint64_t left = values;
    for (size_t i = 0; i < n && !in->failed;) {
        uint64_t count = weir_get_count(in, left);
        if (count) {
            cell[i++] = count;
            left -= count;
        } else {
            size_t zeros = weir_get_count(in, n - i);
            in->failed |= !zeros;
            i += zeros;
        }
    }
}

int weir_summary_write(const struct weir_summary *summary, struct weir_buffer *out)
{
    uint64_t *counts[WEIR_SUMMARY_COUNTS];
    weir_summary_counts((struct weir_summary *)summary, counts);
    weir_put_long(out, summary->shape);
    weir_put_long(out, summary->parts);
    weir_put_long(out, summary->cell ? (int64_t)summary->cells->n : 0);
    for (size_t i = 0; i < WEIR_SUMMARY_COUNTS; i++)
        weir_put_long(out, (int64_t)*counts[i]);
    if (summary->parts & WEIR_PART_MOMENTS)
        write_moments(&summary->moments, out);
    if (summary->cell)
        write_cells(summary->cell, summary->cells->n, out);
    if (summary->quantiles)
        weir_ddsketch_write(summary->quantiles, out);
    if (summary->distinct)
        weir_hll_write(summary->distinct, out);
    if (summary->top && weir_top_write(summary->top, out))
        return WEIR_ENOMEM;
    return out->failed ? WEIR_ENOMEM : 0;
}

// The counts must tell one story: rows are values and what is none, and so on.
static int is_consistent(const struct weir_summary *summary)
{
    const struct weir_moments *moments = &summary->moments;
    return summary->rows == summary->values + summary->null + summary->missing + summary->fault &&
           summary->nan + summary->infinite_low + summary->infinite_high <= summary->values &&
           summary->empty <= summary->values && summary->unseen <= summary->values &&
           moments->n + moments->outside <= summary->values &&
           (!summary->quantiles || weir_ddsketch_count(summary->quantiles) <= summary->values);
}

static int read_into(struct weir_summary *summary, struct weir_reader *in)
{
    uint64_t *counts[WEIR_SUMMARY_COUNTS];
    weir_summary_counts(summary, counts);
    int64_t shape = weir_get_long(in), parts = weir_get_long(in), n = weir_get_long(in);
    if (in->failed || shape != (int64_t)summary->shape || parts != (int64_t)summary->parts ||
        n != (summary->cell ? (int64_t)summary->cells->n : 0))
        return WEIR_ECORRUPT;
    for (size_t i = 0; i < WEIR_SUMMARY_COUNTS; i++)
        *counts[i] = weir_get_count(in, COUNT_LIMIT);
    if (summary->parts & WEIR_PART_MOMENTS)
        read_moments(&summary->moments, in);
    if (summary->cell)
        read_cells(summary->cell, summary->cells->n, summary->values, in);
    int code = in->failed ? WEIR_ECORRUPT : 0;
    if (!code && summary->quantiles)
        code = weir_ddsketch_read(summary->quantiles, in);
    if (!code && summary->distinct)
        code = weir_hll_read(summary->distinct, in);
    if (!code && summary->top)
        code = weir_top_read(summary->top, in);
    if (!code && !is_consistent(summary))
        code = WEIR_ECORRUPT;
    return code;
}

int weir_summary_read_merge(struct weir_summary *into, struct weir_reader *in)
{
    struct weir_summary_spec spec = {.shape = into->shape,
                                     .parts = into->parts,
                                     .cells = into->cells,
                                     .top_capacity = weir_top_capacity(into->top)};
    struct weir_summary read;
    int code = weir_summary_init(&read, &spec);
    if (code)
        return code;
    code = read_into(&read, in);
    if (!code)
        code = weir_summary_merge(into, &read);
    if (code)
        in->failed = code == WEIR_ENOMEM ? code : 1;
    weir_summary_free(&read);
    return code;
}
