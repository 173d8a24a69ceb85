// SPDX-License-Identifier: Apache-2.0
// The same input and model version, and different scores.
#ifndef WEIR_OPERATIONS_SAME_INPUT_H
#define WEIR_OPERATIONS_SAME_INPUT_H

#include "detectors/operations/operations.h"
#include "stats/rate_run.h"

struct operations_same_input {
    double repeated, differing; // inputs of the past, discounted, half-life a day
    struct weir_rate_sum sum;   // of windows with too few of them for any to show it
};

// Takes in a step and emits what there is to say. WEIR_ENOMEM.
int operations_same_input_step(struct operations_same_input *past,
                               const struct operations_step *step);
void operations_same_input_save(const struct operations_same_input *past, struct weir_buffer *out);
int operations_same_input_restore(struct operations_same_input *past, struct weir_reader *in);
// The sum: since the second state_version.
void operations_same_input_save_sum(const struct operations_same_input *past,
                                    struct weir_buffer *out);
int operations_same_input_restore_sum(struct operations_same_input *past, struct weir_reader *in);

#endif
