// SPDX-License-Identifier: Apache-2.0
// What the frames of two profiles say (consumer/profile/frame.h): of every row, where the sample
// would only say it of some.
#ifndef WEIR_COMPARE_TOGETHER_H
#define WEIR_COMPARE_TOGETHER_H

#include "consumer/compare/set.h"
#include "consumer/profile/profile.h"

struct weir_together_side {
    const struct weir_profile_frame *frames;
    size_t n_frames;
    const struct weir_profile *profile;   // whose fields the frames' places are
    const struct weir_summary *summaries; // one a field of that profile; NULL: its own
    const uint8_t *alone;                 // of the reference's fields: those that take no part
    const struct weir_table *sample;      // one column a field of the reference; NULL: none
};

// correlation_change where both have sums of the same two fields; mmd and vector_mmd where both
// have the same features: what it finds replaces what the set has. The tables are of the set's
// fields. WEIR_ENOMEM.
int weir_compare_together(const struct weir_together_side sides[2],
                          struct weir_comparison_set *set);

#endif
