// SPDX-License-Identifier: Apache-2.0
// Numbers that usually stand for one that is not there, and whether such a number lies apart from
// the others, so that it is one. The bounds are by judgement: a sentinel that is told of is one.
#ifndef WEIR_STATS_SENTINELS_H
#define WEIR_STATS_SENTINELS_H

#include "weir/summary.h"

struct weir_usual_sentinel {
    const char *text; // a number
    int certain;      // the end of a type: it is one wherever it is not near the others
};
extern const struct weir_usual_sentinel weir_usual_sentinels[];
extern const size_t weir_n_usual_sentinels;

// What a field's numbers are like.
struct weir_extent {
    double least, most, low, median, high; // with the deciles
    int integral, identifies;              // whole; nearly all of them different
};

// Of the reference without the shares `below` and `above` at its ends (0: all of it). It has
// quantiles or cells, and finite numbers.
struct weir_extent weir_extent_of(const struct weir_summary *reference, double below, double above);
int weir_sentinel_is_apart(const struct weir_extent *extent, double value, int certain);

#endif
