// SPDX-License-Identifier: Apache-2.0
// Makes a profile from batches that come twice: the first time to find each field's cells, the
// second to count in them. Memory is bounded: a sample of rows, capped distinct strings, and
// panes that double in length rather than become too many.
#ifndef WEIR_PROFILE_MAKER_H
#define WEIR_PROFILE_MAKER_H

#include "consumer/profile/profile.h"

struct weir_profile_maker;

// Of `options`, which may be NULL, pane, rows and like are taken; `like` outlives the maker. Fields
// of unknown type are left out.
int weir_profile_maker_create(const struct weir_stream *stream,
                              const struct weir_profile_options *options,
                              struct weir_profile_maker **maker, struct weir_error *error);
void weir_profile_maker_destroy(struct weir_profile_maker *maker);
// Files all count their rows from 0: so that those that will be merged do not all keep the same
// places, the file's first batch, before the first pass, says where its sample falls.
void weir_profile_maker_seed(struct weir_profile_maker *maker, const struct weir_batch *batch);
// Rows that do not decode, and tombstones, are not looked at.
int weir_profile_maker_first(struct weir_profile_maker *maker, const struct weir_batch *batch,
                             struct weir_error *error);
// Between the passes.
int weir_profile_maker_turn(struct weir_profile_maker *maker, struct weir_error *error);
int weir_profile_maker_second(struct weir_profile_maker *maker, const struct weir_batch *batch,
                              struct weir_error *error);
// The profile goes to the caller; only destroying the maker is left.
int weir_profile_maker_finish(struct weir_profile_maker *maker, struct weir_profile **profile,
                              struct weir_error *error);

// Panes that a profile of so many fields has at most.
size_t weir_profile_most_panes(size_t n_fields);

// What a profile keeps of a whole file, and of a pane.
enum {
    WEIR_PROFILE_PARTS = WEIR_PART_MOMENTS | WEIR_PART_CELLS | WEIR_PART_QUANTILES |
                         WEIR_PART_DISTINCT | WEIR_PART_TOP,
    WEIR_PROFILE_PANE_PARTS = WEIR_PART_MOMENTS | WEIR_PART_CELLS
};

#endif
