// SPDX-License-Identifier: Apache-2.0
// Since when a run of numbers, one a window, is off what it was: a step against a ramp that starts
// at a knot, by least squares, with the interval of starts that are nearly as likely.
//
// The start of a ramp is flat in likelihood: the interval is that of its profile, over all lengths
// of the ramp down to a step, and so as wide as the numbers leave it ({tau: 2 delta LL < nearly}).
// It does not matter for it which of the two fits better.
#ifndef WEIR_STATS_ONSET_LINE_H
#define WEIR_STATS_ONSET_LINE_H

#include <stddef.h>

struct weir_onset_line {
    const double *y;      // finite
    const double *weight; // 1 / variance of each, > 0; as sums over many vary, where they have a
                          // memory. A fit that leaves more than that makes all of them worth less.
    size_t n;
    int base;      // what it was before is fitted too; else it was 0
    double nearly; // 2 ln of the likelihood ratio; > 0
};

struct weir_onset_fit {
    int is_ramp; // it took several windows, by BIC and clearly
    // 2 ln of how much more likely a ramp is than a step, which has one parameter less: BIC prefers
    // it beyond ln n.
    double lead;
    // In windows since the start of the first: 12.25 is when a quarter of window 12 was over.
    double begins, earliest, latest;
    double change; // from before to the end
};

// 0; WEIR_EINVAL: fewer than 3 numbers; WEIR_ENOMEM.
int weir_onset_fit(const struct weir_onset_line *line, struct weir_onset_fit *fit);

#endif
