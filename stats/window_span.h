// SPDX-License-Identifier: Apache-2.0
// Whether fields are aggregates over another span of time in serving than in training: counts and
// sums over 30 days are three times those over 10, while means, rates and everything else stay.
//
// The mean of a count or sum is proportional to its span, whatever the events' distribution, as
// long as their rate is; other quantiles need not be (a count of 0 to 4 over 10 days is not 0 to 12
// over 30). So a span is told by the ratio of means: one ratio that several fields have in common
// within their errors, found as the point that most of their intervals cover; each of them larger
// (or smaller) all over, its relative spread not larger; while other numbers did not move.
#ifndef WEIR_STATS_WINDOW_SPAN_H
#define WEIR_STATS_WINDOW_SPAN_H

#include "stats/unlike.h"

enum weir_span_part {
    WEIR_SPAN_NONE,    // says nothing: no numbers, negative ones, too few
    WEIR_SPAN_SCALED,  // by the common ratio
    WEIR_SPAN_UNMOVED, // its mean is what it was
    WEIR_SPAN_OTHER    // it changed in another way
};

// Spans as people choose them, in hours.
struct weir_span_pair {
    double training, serving;
};

enum { WEIR_SPAN_PAIRS = 3 };
struct weir_span_change {
    double ratio;     // serving / training; 0: no span explains what changed
    double low, high; // that all scaled fields allow
    double error;     // of ln ratio, 3.5 standard errors and what days differ by
    size_t n_scaled, n_unmoved, n_other;
    // Usual spans whose ratio lies there, the likeliest first; those that fields' names speak of
    // ("clicks_10d") before all others.
    struct weir_span_pair pairs[WEIR_SPAN_PAIRS];
    size_t n_pairs;
    int vague;   // the ratio is not known well enough to say which spans, or whether it is one
    int by_name; // fields' names speak of the first of them: 1 of training's span, 2 of serving's
};

// Fills parts[i] for each of n fields. WEIR_ENOMEM.
int weir_window_span_find(const struct weir_unlike *fields, size_t n, enum weir_span_part *parts,
                          struct weir_span_change *change);

// "10 days", "36 hours"
void weir_span_text(double hours, char *out, size_t size);
// The span that a name speaks of, hours: "clicks_last_10d", "sum_30_days". 0: none.
double weir_span_of_name(const char *name);

#endif
