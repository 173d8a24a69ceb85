// SPDX-License-Identifier: Apache-2.0
// Numbers of a record that are looked at together: single fields, or the elements of a vector.
#ifndef WEIR_PROFILE_FRAME_H
#define WEIR_PROFILE_FRAME_H

#include "stats/buffer.h"
#include "stats/co_moments.h"
#include "stats/embedding.h"

enum { WEIR_FRAMES = 9 }; // the fields', and so many less one of vectors

struct weir_profile_frame {
    int is_vector;
    size_t n;               // numbers: fields, or elements
    size_t *field;          // of each, its place in the profile; of a vector the first alone
    double *centre, *scale; // a value becomes (value - centre) / scale, at most 10, absent ones 0
    uint64_t *cut;          // values that were farther
    struct weir_co_moments *products; // NULL: of a vector, or a single field
    struct weir_embedding *means;
};

// Mean and standard deviation (n - 1) of the finite values; 0: they do not vary, or are fewer than
// two.
int weir_frame_scale(const double *values, size_t n, double *centre, double *scale);

// Zeroed but for what describes it; `n` fields or elements. WEIR_ENOMEM: free it all the same.
int weir_frame_create(struct weir_profile_frame *frame, int is_vector, size_t n);
void weir_frame_free(struct weir_profile_frame *frame);
// Empty sums, once n, centre, scale are there. WEIR_ENOMEM.
int weir_frame_begin(struct weir_profile_frame *frame, double width);
// The same numbers, standardised in the same way, in the same features.
int weir_frame_same(const struct weir_profile_frame *a, const struct weir_profile_frame *b);
int weir_frame_merge(struct weir_profile_frame *into, const struct weir_profile_frame *from);
// Empty, to be counted in as the other is.
int weir_frame_copy_empty(const struct weir_profile_frame *from, struct weir_profile_frame *into);
// The value in the frame's terms; absent is NAN. *cut counts one that was too far.
double weir_frame_value(const struct weir_profile_frame *frame, size_t j, double value, int *cut);

void weir_frame_write(const struct weir_profile_frame *frame, struct weir_buffer *out);
// Places are below `n_fields`. WEIR_ECORRUPT, WEIR_ENOMEM; free it either way.
int weir_frame_read(struct weir_reader *in, size_t n_fields, struct weir_profile_frame *frame);

#endif
