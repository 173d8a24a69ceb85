// SPDX-License-Identifier: Apache-2.0
// Profiles of parts of the data, in the same cells, as one of the whole.
#ifndef WEIR_PROFILE_MERGE_H
#define WEIR_PROFILE_MERGE_H

#include "consumer/profile/profile.h"

// The same bytes for any order of the profiles, and any grouping: what is merged may be merged
// again. All must have the same stream and fields, in the same cells (weir_profile_options.like),
// and panes that fit into each other; shorter panes are added up to the longest. `names` are for
// what is said when they do not: WEIR_EINVAL. Counts, sketches, categories, words, panes and the
// sample of rows are those of the whole. Habits are found anew in the sample and the panes; those
// that need every value (the form of texts, what says which) stay where all profiles agree, and
// are left out otherwise, as are the most frequent values that have no cell of their own.
int weir_profile_merge(const struct weir_profile *const *profiles, const char *const *names,
                       size_t n, struct weir_profile **merged, struct weir_error *error);

#endif
