// SPDX-License-Identifier: Apache-2.0
#include "stats/aggregate.h"

#include <math.h>
#include <stdio.h>

#include "stats/hll.h"
#include "stats/summary.h"

enum { FEW = 10 };

const struct weir_expression_aggregate weir_aggregates[] = {
    {"rows", 0, 0, 0, "rows", "The records of the window."},
    {"count", 1, 0, 0, "count(field)", "Those in which the field has a value."},
    {"null_rate", 1, 0, 0, "null_rate(field)", "The share in which it is null or absent."},
    {"missing_rate", 1, 0, 0, "missing_rate(field)", "The share in which it is absent."},
    {"fault_rate", 1, 0, 0, "fault_rate(field)", "The share in which it is of another type."},
    {"nan_rate", 1, 0, 1, "nan_rate(field)", "The share in which it is NaN."},
    {"empty_rate", 1, 0, 0, "empty_rate(field)", "The share in which it is an empty string."},
    {"distinct", 1, 0, 0, "distinct(field)", "How many different values, give or take 2%."},
    {"mean", 1, 0, 1, "mean(field)", "The mean; of a boolean field the share that is true."},
    {"sd", 1, 0, 1, "sd(field)", "The standard deviation."},
    {"sum", 1, 0, 1, "sum(field)", "The sum."},
    {"min", 1, 0, 1, "min(field)", "The least value."},
    {"max", 1, 0, 1, "max(field)", "The greatest value."},
    {"median", 1, 0, 1, "median(field)", "The median, give or take 1%."},
    {"quantile", 1, 1, 1, "quantile(field, q)", "The quantile `q`, 0 to 1, give or take 1%."},
    {NULL, 0, 0, 0, NULL, NULL},
};

unsigned weir_aggregate_parts(enum weir_aggregate aggregate)
{
    if (aggregate == WEIR_AGGREGATE_DISTINCT)
        return WEIR_PART_DISTINCT;
    if (aggregate == WEIR_AGGREGATE_MEDIAN || aggregate == WEIR_AGGREGATE_QUANTILE)
        return WEIR_PART_QUANTILES;
    return aggregate >= WEIR_AGGREGATE_MEAN ? WEIR_PART_MOMENTS : 0;
}

int weir_aggregate_is_total(enum weir_aggregate aggregate)
{
    return aggregate == WEIR_AGGREGATE_ROWS || aggregate == WEIR_AGGREGATE_COUNT ||
           aggregate == WEIR_AGGREGATE_DISTINCT || aggregate == WEIR_AGGREGATE_SUM;
}

int weir_aggregate_is_rate(enum weir_aggregate aggregate)
{
    return aggregate >= WEIR_AGGREGATE_NULL_RATE && aggregate <= WEIR_AGGREGATE_EMPTY_RATE;
}

int weir_aggregate_is_private(enum weir_aggregate aggregate, const struct weir_summary *summary,
                              double parameter)
{
    double n = (double)summary->values;
    if (aggregate < WEIR_AGGREGATE_MEAN)
        return 0;
    if (n < FEW || aggregate == WEIR_AGGREGATE_MIN || aggregate == WEIR_AGGREGATE_MAX)
        return 1;
    return aggregate == WEIR_AGGREGATE_QUANTILE && fmin(parameter, 1 - parameter) * n < FEW;
}

static double share(uint64_t count, const struct weir_summary *summary)
{
    return summary->rows ? (double)count / (double)summary->rows : NAN;
}

// The sums leave out what is too far for them: then they are not what they are called.
static double of_moments(enum weir_aggregate aggregate, const struct weir_summary *summary)
{
    const struct weir_moments *moments = &summary->moments;
    if (!(summary->parts & WEIR_PART_MOMENTS) || !(moments->n + moments->outside))
        return NAN;
    if (aggregate == WEIR_AGGREGATE_MIN)
        return moments->minimum;
    if (aggregate == WEIR_AGGREGATE_MAX)
        return moments->maximum;
    if (moments->outside)
        return NAN;
    if (aggregate == WEIR_AGGREGATE_SD)
        return moments->n > 1 ? sqrt(weir_moments_variance(moments, summary->cells)) : NAN;
    double mean = weir_moments_mean(moments, summary->cells);
    return aggregate == WEIR_AGGREGATE_SUM ? mean * (double)moments->n : mean;
}

double weir_aggregate_value(enum weir_aggregate aggregate, const struct weir_summary *summary,
                            double parameter)
{
    switch (aggregate) {
    case WEIR_AGGREGATE_COUNT:
        return (double)summary->values;
    case WEIR_AGGREGATE_NULL_RATE:
        return share(summary->null + summary->missing, summary);
    case WEIR_AGGREGATE_MISSING_RATE:
        return share(summary->missing, summary);
    case WEIR_AGGREGATE_FAULT_RATE:
        return share(summary->fault, summary);
    case WEIR_AGGREGATE_NAN_RATE:
        return share(summary->nan, summary);
    case WEIR_AGGREGATE_EMPTY_RATE:
        return share(summary->empty, summary);
    case WEIR_AGGREGATE_DISTINCT:
        return summary->distinct ? weir_hll_estimate(summary->distinct) : NAN;
    case WEIR_AGGREGATE_MEDIAN:
        return weir_summary_quantile(summary, 0.5);
    case WEIR_AGGREGATE_QUANTILE:
        return weir_summary_quantile(summary, parameter);
    case WEIR_AGGREGATE_ROWS:
    case WEIR_AGGREGATES:
        return NAN;
    default:
        return of_moments(aggregate, summary);
    }
}

void weir_aggregate_print(enum weir_aggregate aggregate, const char *field, double parameter,
                          char *out, size_t size)
{
    const struct weir_expression_aggregate *row = &weir_aggregates[aggregate];
    if (!row->has_field)
        snprintf(out, size, "%s", row->name);
    else if (row->has_parameter)
        snprintf(out, size, "%s(%.100s, %.6g)", row->name, field, parameter);
    else
        snprintf(out, size, "%s(%.100s)", row->name, field);
}
