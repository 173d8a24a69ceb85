// SPDX-License-Identifier: Apache-2.0
// Which fields of a profile say what others are (stats/depends.h): found in the sample of rows
// between the passes, then held against every row of the second.
#ifndef WEIR_PROFILE_JOINT_H
#define WEIR_PROFILE_JOINT_H

#include "consumer/profile/profile.h"

struct weir_joint;

// For a stream's fields, at most 256 of them; `rows` is the sample's size.
int weir_joint_create(const struct weir_stream *stream, size_t rows, struct weir_joint **joint);
void weir_joint_destroy(struct weir_joint *joint);
// rows[k] of the batch takes slots[k] of the sample, whatever was there.
void weir_joint_sample(struct weir_joint *joint, const struct weir_batch *batch,
                       const uint32_t *rows, const int64_t *slots, size_t n);
// Between the passes: the first `n` slots are filled. What is found goes to the profile's habits.
int weir_joint_find(struct weir_joint *joint, size_t n, struct weir_profile *profile);
// Of the second pass: what rows contradict is forgotten. `rows` NULL: all.
void weir_joint_check(struct weir_joint *joint, const struct weir_batch *batch,
                      const uint32_t *rows, size_t n);
// What was contradicted more often than a sample allows is left out.
void weir_joint_finish(struct weir_joint *joint);

#endif
