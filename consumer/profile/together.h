// SPDX-License-Identifier: Apache-2.0
// A profile's frames: which numbers are looked at together, and how they are standardised, is taken
// from the first pass; the second counts every row.
#ifndef WEIR_PROFILE_TOGETHER_H
#define WEIR_PROFILE_TOGETHER_H

#include "consumer/profile/profile.h"

struct weir_together;

// A single field of numbers.
struct weir_together_field {
    const char *name;
    enum weir_type type;
    int index;            // of the batches' columns
    size_t place;         // in the profile
    const double *sample; // by slot, NAN where there is none
    int left_out;         // it tells a time or a record: it takes part only as `like` has it
};
struct weir_together_sample {
    struct weir_together_field *fields;
    size_t n_fields;
    size_t n; // slots that are filled
};

// For a stream's vectors (lists of numbers); places are those of its typed fields.
int weir_together_create(const struct weir_stream *stream, struct weir_together **out);
void weir_together_destroy(struct weir_together *together); // may be NULL
// The first pass, of vectors alone. `rows` NULL: all n. WEIR_ENOMEM.
int weir_together_first(struct weir_together *together, const struct weir_batch *batch,
                        const uint32_t *rows, size_t n);
// Between the passes. `like` says the frames whose fields there are; NULL: none. WEIR_ENOMEM.
int weir_together_begin(struct weir_together *together, const struct weir_together_sample *sample,
                        const struct weir_profile *like);
void weir_together_add(struct weir_together *together, const struct weir_batch *batch,
                       const uint32_t *rows, size_t n);
// The frames go to the profile.
void weir_together_take(struct weir_together *together, struct weir_profile *profile);
// To count more rows for a profile's own frames; the columns are by the profile's order of fields.
int weir_together_continue(const struct weir_profile *profile, struct weir_together **out);
const struct weir_profile_frame *weir_together_frames(const struct weir_together *together,
                                                      size_t *n);

#endif
