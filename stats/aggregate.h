// SPDX-License-Identifier: Apache-2.0
// What expressions over windows may ask of a window: numbers out of the summary of one field.
#ifndef WEIR_STATS_AGGREGATE_H
#define WEIR_STATS_AGGREGATE_H

#include "stats/expression.h"
#include "weir/summary.h"

enum weir_aggregate {
    WEIR_AGGREGATE_ROWS, // of the window, not of a field
    WEIR_AGGREGATE_COUNT,
    WEIR_AGGREGATE_NULL_RATE,
    WEIR_AGGREGATE_MISSING_RATE,
    WEIR_AGGREGATE_FAULT_RATE,
    WEIR_AGGREGATE_NAN_RATE,
    WEIR_AGGREGATE_EMPTY_RATE,
    WEIR_AGGREGATE_DISTINCT,
    WEIR_AGGREGATE_MEAN,
    WEIR_AGGREGATE_SD,
    WEIR_AGGREGATE_SUM,
    WEIR_AGGREGATE_MIN,
    WEIR_AGGREGATE_MAX,
    WEIR_AGGREGATE_MEDIAN,
    WEIR_AGGREGATE_QUANTILE,
    WEIR_AGGREGATES
};

// By enum weir_aggregate, and ended as an expression's scope wants it.
extern const struct weir_expression_aggregate weir_aggregates[WEIR_AGGREGATES + 1];

// The parts (enum weir_part) that a summary needs for it.
unsigned weir_aggregate_parts(enum weir_aggregate aggregate);
// Whether it grows with the number of records: such a number says little of part of a window.
int weir_aggregate_is_total(enum weir_aggregate aggregate);
// Whether it is a share of the records.
int weir_aggregate_is_rate(enum weir_aggregate aggregate);
// Whether so few values are behind it that it may give one of them away: extremes, quantiles with
// under 10 values beyond them, anything of under 10 values. Counts and shares never do.
int weir_aggregate_is_private(enum weir_aggregate aggregate, const struct weir_summary *summary,
                              double parameter);
// NAN where the summary has no values for it, lacks the part, or where values were too far out for
// its sums. Not for WEIR_AGGREGATE_ROWS. `parameter`: of a quantile, 0 to 1.
double weir_aggregate_value(enum weir_aggregate aggregate, const struct weir_summary *summary,
                            double parameter);
// "quantile(amount, 0.99)"; `field` is not looked at where it has none.
void weir_aggregate_print(enum weir_aggregate aggregate, const char *field, double parameter,
                          char *out, size_t size);

#endif
