// SPDX-License-Identifier: Apache-2.0
// Counts a window of something that has a daily and a weekly rhythm: what is expected, and whether
// there is far less, or far more, of it.
//
// Expected: discounted means by hour of the week, shrunk to hour of the day x day of the week and
// those to the mean, interpolated between hours, times a level of the last day and, over that, one
// of the last windows.
// Tolerance: negative binomial, its over-dispersion learnt from how well that predicted.
// Decision: a CUSUM of log likelihood ratios for each share of the usual that may have come
// instead (Page, 1954), so that a little loss is found in many windows and silence in one or two.
// In the first two days, before a rhythm is known, only next to nothing is looked for.
#ifndef WEIR_STATS_COUNT_SERIES_H
#define WEIR_STATS_COUNT_SERIES_H

#include "stats/buffer.h"

enum { WEIR_COUNT_WEEK = 168, WEIR_COUNT_PENDING = 512, WEIR_COUNT_SHARES = 4 };

struct weir_count_rules {
    int64_t step;          // between windows, ms
    const double *shares;  // of the usual, each watched by a sum of its own; the first is for next
    size_t n_shares;       // to nothing. At most WEIR_COUNT_SHARES; above 1: more than usual
    double depth, records; // the least change that matters, as a share and in records
    int64_t learn_delay, adopt; // ms: until a window is learnt from; until a change is normal
    double alarms;              // allowed in 30 days
};

struct weir_count_sum {
    double score;          // log likelihood ratio, cut at 0
    double seen, expected; // since it left 0
};

struct weir_count_pending {
    int64_t start;
    double count, expected;
    int suspect; // never learnt
};

struct weir_count_series {
    uint64_t hash;                                           // the caller's: what it is of
    int64_t first, alarm_since;                              // window starts; INT64_MIN: none
    int has_rhythm;                                          // two days are known
    double count[WEIR_COUNT_WEEK], windows[WEIR_COUNT_WEEK]; // discounted, by hour of the week
    double level_count, level_expected;                      // discounted, half-life a day
    double local_count, local_expected;                      // half-life six windows
    double excess, squares;                                  // for the over-dispersion
    double products, powers, last;                           // for neighbours' correlation
    size_t n_sums;
    struct weir_count_sum sums[WEIR_COUNT_SHARES];
    struct weir_count_pending *pending; // ring of WEIR_COUNT_PENDING
    uint32_t n_pending, next_pending;
};

struct weir_count_decision {
    int found;
    double expected; // in this window
    double season;   // by the rhythm and the last day's level alone; 0 while no rhythm is known
    double most;     // until a week is known: the mean of the best day at this hour; then 0
    double left;     // share of the usual that has come, since it began
    double missing;  // records, since it began; negative: so many more than usual
    double score, threshold;
    int64_t since;
};

// About 20 KB. WEIR_ENOMEM.
int weir_count_series_init(struct weir_count_series *series, const struct weir_count_rules *rules,
                           uint64_t hash, int64_t start);
void weir_count_series_free(struct weir_count_series *series);
// Takes the count of the window that begins at `start`, decides, and learns what is old enough.
// `series_count`: how many series share the false alarms.
void weir_count_series_step(const struct weir_count_rules *rules, struct weir_count_series *series,
                            int64_t start, double count, double series_count,
                            struct weir_count_decision *decision);
// What began at `since` or later is not learnt from: the caller knows that something is wrong.
void weir_count_series_doubt(const struct weir_count_rules *rules, struct weir_count_series *series,
                             int64_t since);
void weir_count_series_save(const struct weir_count_series *series, struct weir_buffer *out);
// Into one that was initialised with as many shares as the saved one had. WEIR_ECORRUPT.
int weir_count_series_restore(struct weir_count_series *series, struct weir_reader *in);

#endif
