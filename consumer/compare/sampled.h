// SPDX-License-Identifier: Apache-2.0
// What only rows say, of profiles: from the frames of all rows that they keep, else from the
// samples of rows, and of texts from counts of words and characters.
#ifndef WEIR_COMPARE_SAMPLED_H
#define WEIR_COMPARE_SAMPLED_H

#include "consumer/compare/set.h"
#include "consumer/profile/profile.h"

struct weir_sampled_side {
    const struct weir_reservoir *sample; // NULL: none was kept
    struct weir_words *const *words;     // one a field of the reference; NULL: none is known
    const struct weir_profile_frame *frames;
    size_t n_frames;
    const struct weir_profile *profile;   // whose fields the frames' places are
    const struct weir_summary *summaries; // one a field of that profile; NULL: its own
};

// Fills the set's fields, multivariate statistics and rules; the set's fields are the reference
// profile's. What cannot be had keeps its reason. WEIR_ENOMEM.
int weir_compare_sampled(const struct weir_profile *reference,
                         const struct weir_sampled_side *current, struct weir_comparison_set *set);

#endif
