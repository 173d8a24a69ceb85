// SPDX-License-Identifier: Apache-2.0
// The habits (stats/habits.h) of a profile's fields: some between the passes, from the sample and
// the counts of strings, the others from the panes once these are full.
#ifndef WEIR_PROFILE_HABITS_H
#define WEIR_PROFILE_HABITS_H

#include "consumer/profile/count.h"
#include "consumer/profile/profile.h"

// Which strings there were after the first half of the rows, or less.
struct weir_profile_half {
    uint8_t *seen; // by number; NULL: not taken
    uint32_t n;
    uint64_t values;
};
int weir_profile_half_take(struct weir_profile_half *half, const struct weir_string_counts *counts);
void weir_profile_half_free(struct weir_profile_half *half);

// `sample` of n numbers is sorted; NULL for a field of strings or booleans. WEIR_ENOMEM.
int weir_profile_habits_begin(struct weir_profile_field *field, double *sample, size_t n,
                              const struct weir_string_counts *counts,
                              const struct weir_profile_half *half);
int weir_profile_habits_finish(struct weir_profile *profile);
// Shows the panes in the habits of fields that have such; as finish() does. WEIR_ENOMEM.
int weir_profile_habits_show(struct weir_profile *profile);

#endif
