// SPDX-License-Identifier: Apache-2.0
#include "stats/rhythm.h"

#include <string.h>

#include "stats/summary.h"

enum { WEEK = 7 * 24 };
static const int64_t HOUR = 3600000;
static const double LEAST = 0.8; // of the hours
// Times before the first are numbers of rows, not times; those after the second are absurd.
static const int64_t CLOCK = 100000000000, FAR = INT64_MAX / 4;

int64_t weir_rhythm_period(enum weir_rhythm rhythm)
{
    return (rhythm == WEIR_RHYTHM_DAY ? 24 : WEEK) * HOUR;
}

// Hours of the period that [from, to) has a part in, and how many; times are from CLOCK to FAR.
static size_t mark(int64_t from, int64_t to, size_t period, uint8_t hours[WEEK])
{
    size_t n = 0;
    memset(hours, 0, WEEK);
    for (int64_t at = from / HOUR; at * HOUR < to && n < period; at++, n++)
        hours[(size_t)at % period] = 1;
    return n;
}

// Whether half of a stretch's hours or more are wanted; these are marked in `had`.
static int lies_in(const struct weir_habits_stretch *stretch, size_t period,
                   const uint8_t wanted[WEEK], uint8_t had[WEEK])
{
    size_t n = 0, in = 0;
    int64_t length;
    if (stretch->start < CLOCK || stretch->start > FAR ||
        __builtin_sub_overflow(stretch->end, stretch->start, &length) || length <= 0 ||
        length >= (int64_t)period * HOUR)
        return 0;
    for (int64_t at = stretch->start / HOUR; at * HOUR < stretch->end; at++, n++)
        in += wanted[(size_t)at % period];
    if (2 * in < n || !in)
        return 0;
    for (int64_t at = stretch->start / HOUR; at * HOUR < stretch->end; at++)
        had[(size_t)at % period] |= wanted[(size_t)at % period];
    return 1;
}

int weir_rhythm_same(const struct weir_habits *habits, int64_t from, int64_t to,
                     enum weir_rhythm rhythm, struct weir_summary *out)
{
    uint8_t wanted[WEEK], had[WEEK] = {0};
    size_t period = rhythm == WEIR_RHYTHM_DAY ? 24 : WEEK, have = 0;
    struct weir_summary sum = {.rows = 0};
    int64_t length;
    int code = 0;
    memset(out, 0, sizeof *out);
    if (!habits || !habits->n_stretches || from < CLOCK || from > FAR ||
        __builtin_sub_overflow(to, from, &length) || length <= 0 ||
        length >= (int64_t)period * HOUR)
        return 0;
    size_t n = mark(from, to, period, wanted);
    const struct weir_summary *first = habits->stretches[0].summary;
    struct weir_summary_spec spec = {first->shape, first->parts, first->cells, 0};
    code = weir_summary_init(&sum, &spec);
    for (size_t i = 0; i < habits->n_stretches && !code; i++)
        if (lies_in(&habits->stretches[i], period, wanted, had))
            code = weir_summary_merge(&sum, habits->stretches[i].summary);
    for (size_t i = 0; i < period; i++)
        have += had[i];
    if (code || (double)have < LEAST * (double)n) {
        weir_summary_free(&sum);
        return code;
    }
    *out = sum;
    return 0;
}
