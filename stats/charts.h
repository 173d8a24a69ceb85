// SPDX-License-Identifier: Apache-2.0
// Control charts over a series of window statistics, for slow change that no single window shows:
// CUSUM, EWMA and Page-Hinkley. Each is a small state, fed one value at a time; values that are not
// finite are passed over. All look both ways.
#ifndef WEIR_STATS_CHARTS_H
#define WEIR_STATS_CHARTS_H

#include <stdint.h>

#include "stats/buffer.h"
#include "weir/error.h"

enum weir_chart_side { WEIR_CHART_QUIET = 0, WEIR_CHART_UP = 1, WEIR_CHART_DOWN = -1 };

// ---- CUSUM (Page, 1954), of (x - mean) / sd
struct weir_cusum_options {
    double mean, sd;  // of healthy values; sd > 0
    double slack;     // in sd: what is passed over at each step. See weir_cusum_slack()
    double threshold; // in sd
};
struct weir_cusum {
    double up, down;             // sums, in sd, at least 0
    uint64_t n;                  // values so far
    uint64_t up_from, down_from; // the value (0, 1, ...) at which each sum last left 0: the onset
};
// A zeroed state has seen nothing. Returns which sum is beyond the threshold (the larger one);
// it stays so until it falls back or is reset.
enum weir_chart_side weir_cusum_add(struct weir_cusum *chart,
                                    const struct weir_cusum_options *options, double x);
// Half of the smallest shift that matters, but at least two standard errors of a mean learnt from
// n healthy values: all windows share its error, and without it CUSUM drifts on its own.
double weir_cusum_slack(double smallest_shift, double n);
// The threshold at which independent normal values give one false alarm in `values` of them, both
// sides together (Siegmund, 1985; within 5% for run lengths of 50 and more). NAN outside slack > 0,
// values > 2.
double weir_cusum_threshold(double slack, double values);

// ---- EWMA (Roberts, 1959), with the exact variance of its first steps
struct weir_ewma_options {
    double mean, sd;  // of healthy values; sd > 0
    double weight;    // of the newest value, 0 to 1
    double threshold; // in standard deviations of the average: 2.7 to 3 are usual
    double n;         // healthy values that `mean` was learnt from; 0: it is known
};
struct weir_ewma {
    double average; // of (x - mean) / sd
    double decay;   // (1 - weight)^(2n), once n > 0
    uint64_t n;
};
enum weir_chart_side weir_ewma_add(struct weir_ewma *chart, const struct weir_ewma_options *options,
                                   double x);
// The average in its own standard deviations, as of the last value; 0 before there is one.
double weir_ewma_score(const struct weir_ewma *chart, const struct weir_ewma_options *options);

// ---- Page-Hinkley (Page, 1954; Mouss et al., 2004), as in River 0.26: x is in its own mean, sums
// fade by alpha, nothing is scaled.
struct weir_page_hinkley_options {
    uint64_t least;   // values before it may alarm
    double delta;     // what is passed over at each step
    double threshold; // lambda
    double alpha;     // 1: sums do not fade
};
struct weir_page_hinkley {
    double mean, rise, fall;      // fading sums of x - mean - delta, x - mean + delta
    double rise_least, fall_most; // since the start
    uint64_t n;
};
// River's own values: 30, .005, 50, .9999.
extern const struct weir_page_hinkley_options weir_page_hinkley_defaults;
// After an alarm the caller zeroes the state, as River does.
enum weir_chart_side weir_page_hinkley_add(struct weir_page_hinkley *chart,
                                           const struct weir_page_hinkley_options *options,
                                           double x);

// Bytes of a state. Reading a fault fails the reader and leaves the state as it was.
int weir_cusum_write(const struct weir_cusum *chart, struct weir_buffer *out);
void weir_cusum_read(struct weir_cusum *chart, struct weir_reader *in);
int weir_ewma_write(const struct weir_ewma *chart, struct weir_buffer *out);
void weir_ewma_read(struct weir_ewma *chart, struct weir_reader *in);
int weir_page_hinkley_write(const struct weir_page_hinkley *chart, struct weir_buffer *out);
void weir_page_hinkley_read(struct weir_page_hinkley *chart, struct weir_reader *in);

#endif
