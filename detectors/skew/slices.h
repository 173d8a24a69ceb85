// SPDX-License-Identifier: Apache-2.0
// By distribution, slice by slice: what each slice of serving adds up to over the stretch, beside
// the rows of the same slice in the profile's sample. Tells who sends what is unlike training, and
// finds what is unlike in one slice alone.
#ifndef WEIR_SKEW_SLICES_H
#define WEIR_SKEW_SLICES_H

#include "detectors/skew/training.h"

enum { SKEW_SLICES = 200, SKEW_BLAMED = 3 };

struct skew_slice_part { // one field of a slice
    // Of the stretch, and of its newer part.
    struct {
        uint64_t rows, null, unseen, *cell;
    } now[2];
    // Of the profile's sample.
    uint64_t rows, null, *cell;
    // What the last judgement said.
    double effect, error, p_value;
    double null_share[2], unseen_share; // NAN: not unlike by these
    int judged, unlike, agrees;
};

struct skew_slice {
    uint64_t hash;
    unsigned by;
    struct weir_slice_value *values; // owned, with their texts
    size_t n_values;
    uint64_t rows[2];              // of the stretch, of its newer part
    uint64_t judged;               // rows when it was last looked at
    int is_known;                  // the profile's rows were counted
    int found, contrary;           // contrary: windows in a row that were like training
    struct skew_slice_part *parts; // by the plan's fields
    uint64_t *cells;               // all parts'
};

struct skew_slices {
    const struct skew_training_plan *plan;
    struct skew_slice *of[SKEW_SLICES]; // in the order in which they came
    size_t n, cells;                    // cells: of a slice, for each of three counts
};

int skew_slices_create(const struct skew_training_plan *plan, struct skew_slices **slices);
void skew_slices_destroy(struct skew_slices *slices);
void skew_slices_forget(struct skew_slices *slices);
// `turn`: the older part of the stretch goes. WEIR_ENOMEM.
int skew_slices_add(struct skew_slices *slices, const struct weir_window *window, int turn);
size_t skew_slices_memory(const struct skew_slices *slices);
size_t skew_slices_memory_each(const struct skew_training_plan *plan);
int skew_slices_save(const struct skew_slices *slices, struct weir_buffer *out);
int skew_slices_restore(struct skew_slices *slices, struct weir_reader *in);

// slices_judge.c. Which fields of which slices are unlike; the judgement of the whole is there.
int skew_slices_judge(struct skew_slices *slices, const struct skew_judgement *judgement);
// The slices, all of one `by`, that a field's difference is confined to; 0: it is not.
size_t skew_slices_blamed(const struct skew_slices *slices, size_t f,
                          const struct skew_slice *blamed[SKEW_BLAMED], double *share);
// Emits a finding for each slice with fields that are as in training on the whole; how many.
int skew_slices_report(struct skew_slices *slices, const struct skew_judgement *judgement);

#endif
