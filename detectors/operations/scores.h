// SPDX-License-Identifier: Apache-2.0
// Scores that stand still, or that leave [0, 1] after having kept to it.
#ifndef WEIR_OPERATIONS_SCORES_H
#define WEIR_OPERATIONS_SCORES_H

#include "detectors/operations/operations.h"

// What is remembered of one field.
struct operations_score_past {
    double seen, changes;    // finite scores, and how often one differed from the one before it;
                             // discounted, half-life a week
    uint64_t inside, beyond; // of [0, 1]
    double value;            // of the run
    uint64_t run, longest;   // scores of windows in a row that hold one value; before this run
    int64_t since;           // start of the run's first window
};

// Takes in a step and emits what there is to say of the field number `i` of the scores.
void operations_score_step(struct operations_score_past *past, const struct operations_step *step,
                           size_t i);
void operations_score_save(const struct operations_score_past *past, struct weir_buffer *out);
int operations_score_restore(struct operations_score_past *past, struct weir_reader *in);

#endif
