// SPDX-License-Identifier: Apache-2.0
// What the files of cause.h share.
#ifndef WEIR_SKEW_CAUSE_INSIDE_H
#define WEIR_SKEW_CAUSE_INSIDE_H

#include "detectors/skew/cause.h"

// Replaces the best where the cause explains more, by more than `lead`.
void skew_keep_better(struct skew_cause *best, const struct skew_cause *cause, double lead);
// cause_map.c: one number as a function of the other.
int skew_try_maps(const struct skew_field_tally *field, struct skew_cause *best);

#endif
