// SPDX-License-Identifier: Apache-2.0
// A share of bad records over time, against what is allowed and against its own past.
//
// Against an objective: how many times too fast a budget of bad records burns, over a long and a
// short window, so that what is told of has gone on and still goes on (Beyer et al., The Site
// Reliability Workbook, 2018, chapter 5). Against the past: more than three times its usual share
// and half a point, and than half as much again as the worst that it has had.
// Either way chance must be out of the question (binomial), and at least ten records bad.
#ifndef WEIR_OPERATIONS_BURN_H
#define WEIR_OPERATIONS_BURN_H

#include "stats/buffer.h"

enum { OPERATIONS_BURN_TIERS = 3, OPERATIONS_BURN_LEAST = 10 };

struct operations_burn_rules {
    int64_t bucket, brief, lasting; // ms: of a count; the short and the long window
    double allowed;                 // share of bad records; NAN: there is no objective
    double rate;                    // of burning, over `lasting`, that is critical
    double chance;                  // of a false alarm, a judgement
    uint32_t capacity;              // buckets kept
};

struct operations_bucket {
    int64_t start;
    uint64_t rows, bad;
    int suspect; // never learnt
};

struct operations_burn {
    struct operations_bucket *ring; // ascending from `oldest`
    uint32_t n, oldest, n_learnt;   // so many of the oldest have been learnt
    double rows, bad;               // learnt, discounted: half-life a day
    double worst;                   // share of a bucket, half of it forgotten in a week
    int64_t learnt_to, alarm_since; // INT64_MIN: not yet; none
    int was_critical;               // since then
};

struct operations_sum {
    uint64_t rows, bad;
};

struct operations_burn_verdict {
    int found, critical;
    int tier;                             // 0: against the past; else 1 + the objective's
    struct operations_sum brief, lasting; // in the windows of what was found
    int64_t brief_span, lasting_span;     // ms
    double share, threshold, p_value;     // over the window that has told
    double usual;                         // NAN: not known
    int64_t since;                        // about when it began
};

// What `lasting` and `brief` come to with windows that follow each other by `step`.
void operations_burn_windows(struct operations_burn_rules *rules, int64_t lasting, int64_t brief,
                             int64_t step, int has_objective);
int operations_burn_init(struct operations_burn *burn, const struct operations_burn_rules *rules);
void operations_burn_free(struct operations_burn *burn);
// Takes in what [start, end) has had, and judges at `end`. Times never go back.
void operations_burn_step(const struct operations_burn_rules *rules, struct operations_burn *burn,
                          int64_t start, int64_t end, const struct operations_sum *now,
                          struct operations_burn_verdict *verdict);
// Of the last `span` before `end`.
struct operations_sum operations_burn_sum(const struct operations_burn_rules *rules,
                                          const struct operations_burn *burn, int64_t end,
                                          int64_t span);
void operations_burn_save(const struct operations_burn_rules *rules,
                          const struct operations_burn *burn, struct weir_buffer *out);
// Into one that was initialised; what there is no room for is left behind. WEIR_ECORRUPT.
int operations_burn_restore(const struct operations_burn_rules *rules, struct operations_burn *burn,
                            struct weir_reader *in);

#endif
