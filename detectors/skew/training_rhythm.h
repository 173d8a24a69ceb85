// SPDX-License-Identifier: Apache-2.0
// Before a day, or a week, has passed: whether what is unlike the whole of training is unlike the
// same hours of its days and weeks too. Where training has no hours to be compared, no rhythm puts
// more into a stretch than all that training has.
#ifndef WEIR_SKEW_TRAINING_RHYTHM_H
#define WEIR_SKEW_TRAINING_RHYTHM_H

#include "detectors/skew/training.h"

struct skew_difference {
    double effect, error, p_value; // error: a standard error of the effect
    double scale;                  // ln ratio of variances, where that is significant; else 0
};
// Serving beside `then`, which is training or a part of it, with its cells. WEIR_ENOMEM.
int skew_difference_find(const struct weir_unlike *field, const struct weir_summary *then,
                         double alpha, struct skew_difference *difference);

// Takes *unlike and what changed of the aspects back where a rhythm may be all there is.
// WEIR_ENOMEM.
int skew_rhythm_distribution(const struct skew_training *training, enum skew_stage stage,
                             const struct weir_unlike *field, int *unlike);
int skew_rhythm_cleanliness(const struct skew_training *training, enum skew_stage stage,
                            const struct weir_unlike *field,
                            struct weir_cleanliness aspects[WEIR_CLEAN_ASPECTS]);

#endif
