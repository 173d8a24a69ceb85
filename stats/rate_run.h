// SPDX-License-Identifier: Apache-2.0
// Whether a rate (of nulls, of one value, of answers that differ) has risen, where no single window
// has enough records to show it: a CUSUM of binomial log likelihood ratios (Page, 1954) for each of
// a small rise and a large one. Were windows samples of one rate, the mean number of windows
// between false alarms would be at least exp(threshold) / WEIR_RATE_RISES (Lorden, 1971).
//
// Usual is what the caller knows (a reference's rate), and at least the largest mean of some six
// windows that there has been: so a rhythm of the day raises no alarm, and what rose within those
// six windows is not taken for usual yet.
#ifndef WEIR_STATS_RATE_RUN_H
#define WEIR_STATS_RATE_RUN_H

#include <stdint.h>

#include "stats/buffer.h"

enum { WEIR_RATE_RISES = 2, WEIR_RATE_LEARN = 24 }; // LEARN: windows until the past is known

struct weir_rate_sum {
    double score;    // log likelihood ratio, cut at 0 and, not to last for ever, above
    double hits, of; // since it left 0
    uint32_t windows;
    int64_t since; // start of the first of them
};

// Zeroed: it has seen nothing.
struct weir_rate_run {
    struct weir_rate_sum sums[WEIR_RATE_RISES];
    double lately_hits, lately_of; // discounted, a mean of about six windows
    double high;                   // the largest rate that was; it fades towards the latest
    double spread;                 // how much more windows differ than samples of one rate would
    uint32_t n, doubt;             // windows learnt from; in a row, not learnt from
};

struct weir_rate_rules {
    double known; // the usual rate as a reference has it, by its upper bound; NAN: none
    double rises[WEIR_RATE_RISES]; // what it may have risen to: above usual, ascending; see below
    double threshold;              // nats
    double part;    // as many of the records count as are independent, 0 to 1, until the past
                    // has shown by how much windows differ
    uint32_t adopt; // windows after which it is the new normal
};

// As many of the records count as are independent: rules->part, or 1 / spread once that is known.
double weir_rate_part(const struct weir_rate_run *run, double part);
// What is usual now: NAN while nothing is known.
double weir_rate_usual(const struct weir_rate_run *run, double known);
// Takes in a window: `hits` of `of`. Returns the sum that is beyond the threshold, and so says how
// much since when (of independent records), or NULL. `rules->rises` are of weir_rate_usual(run,
// rules->known).
const struct weir_rate_sum *weir_rate_step(struct weir_rate_run *run,
                                           const struct weir_rate_rules *rules, double hits,
                                           double of, int64_t start);
// Takes in a window that is known to be at fault otherwise: it counts for nothing but the new
// normal.
void weir_rate_skip(struct weir_rate_run *run, uint32_t adopt, double hits, double of);
// One sum by itself, for a caller that knows what is usual: adds a window, and returns the score.
double weir_rate_add(struct weir_rate_sum *sum, double usual, double risen, double hits, double of,
                     int64_t start, double most);

void weir_rate_sum_write(const struct weir_rate_sum *sum, struct weir_buffer *out);
void weir_rate_sum_read(struct weir_rate_sum *sum, struct weir_reader *in); // a fault: in->failed
void weir_rate_write(const struct weir_rate_run *run, struct weir_buffer *out);
void weir_rate_read(struct weir_rate_run *run, struct weir_reader *in);

#endif
