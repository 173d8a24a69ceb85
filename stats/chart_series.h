// SPDX-License-Identifier: Apache-2.0
// One statistic charted over windows (stats/charts.h): learns from its first values what is usual,
// and charts what comes then in standard deviations of those, so that thresholds mean the same for
// every statistic. Values that are not finite are passed over.
#ifndef WEIR_STATS_CHART_SERIES_H
#define WEIR_STATS_CHART_SERIES_H

#include <stddef.h>

#include "stats/charts.h"
#include "stats/statistic.h"

struct weir_chart_options {
    enum weir_chart_kind kind;
    size_t learn;        // values, 2 and more
    double slack;        // CUSUM: passed over at each step, in sd
    double weight;       // EWMA: of the newest value
    double delta, alpha; // Page-Hinkley: passed over, in sd; how sums fade
    size_t least;        // and values before it may alarm, with those learnt
    size_t hold;         // values for which its alarm lasts before it starts anew; River's: 1
    double threshold;    // of the chart's score; over 0
    double least_sd;     // sd is taken for no less; in the statistic's unit
    int up_only;         // falling is no change
};

// Where a side of the chart last left 0, and what came since.
struct weir_chart_run {
    int64_t since; // as given with the value
    uint32_t n;
    double sum;
};

struct weir_chart_series {
    double *learning; // room for options->learn; NULL: none yet, or no more
    size_t n_learning;
    double mean, sd; // of what was learnt; sd 0: it still learns
    union {
        struct weir_cusum cusum;
        struct weir_ewma ewma;
        struct weir_page_hinkley page_hinkley;
    } chart;
    struct weir_chart_run up, down;
    uint32_t held; // values that Page-Hinkley's alarm has lasted
};

// What the parser left unset (stats/statistic.h), for a field's chart where so many windows bring
// one false alarm if they are independent and normal. `learn`: unless the rule says.
struct weir_chart_options weir_chart_options_of(const struct weir_statistic_rule *rule,
                                                size_t learn, double windows);
// What of a statistic is charted: rising is change, around what is usual about symmetric. Shares
// less the reference's, logarithms of ratios, the normal score of p where only that tells. NAN:
// nothing to chart. And back, for people.
double weir_chart_value(enum weir_statistic_id statistic, double value, double p_value,
                        double reference);
double weir_chart_shown(enum weir_statistic_id statistic, double charted, double reference);

// A zeroed series has seen nothing. `*side`: beyond the threshold. What was learnt does not cross
// it: where it would, as rhythms make it, deviations count for as much less. A CUSUM does not rise
// over twice its threshold, so that it ends not long after values are back. WEIR_ENOMEM.
int weir_chart_series_add(struct weir_chart_series *series,
                          const struct weir_chart_options *options, double x, int64_t time,
                          enum weir_chart_side *side);
// Where the chart is on a side now; 0 while it learns.
double weir_chart_series_score(const struct weir_chart_series *series,
                               const struct weir_chart_options *options, enum weir_chart_side side);
void weir_chart_series_free(struct weir_chart_series *series);

int weir_chart_series_write(const struct weir_chart_series *series,
                            const struct weir_chart_options *options, struct weir_buffer *out);
// Into a zeroed series; a fault fails the reader and leaves it zeroed. WEIR_ENOMEM, WEIR_ECORRUPT.
int weir_chart_series_read(struct weir_chart_series *series,
                           const struct weir_chart_options *options, struct weir_reader *in);

#endif
