// SPDX-License-Identifier: Apache-2.0
// Row by row: what a window's pairs come to.
#ifndef WEIR_SKEW_ROWS_H
#define WEIR_SKEW_ROWS_H

#include "detectors/skew/skew.h"
#include "detectors/skew/tally.h"

// Adds the window's tallies up, and tells of the fields that surely differ too often, and of a side
// whose records have no partner. 1: judged; 0: there were too few pairs; negative: an error.
int skew_rows_window(const struct skew_instance *instance, const struct weir_window *window,
                     struct weir_error *error);

// rows_report.c: `fields` are the places of those that differ too often, the worst first.
// WEIR_ENOMEM, or 0.
int skew_rows_report(const struct skew_instance *instance, const struct skew_tally *tally,
                     const size_t *fields, size_t n, const struct weir_window *window);
// rows_slices.c: where no field differs too often on the whole, the slice in which some do.
void skew_rows_slices(const struct skew_instance *instance, const struct skew_tally *tally,
                      const struct weir_window *window);
// ", nearly all of them where device = tv (398 of 402 pairs there)"; empty where it is no slice's.
// Fills the slice's values, whose texts are in `room`, and returns how many.
enum { SKEW_SAID = 700 };
size_t skew_rows_blame(const struct skew_instance *instance, const struct skew_tally *tally,
                       size_t field, char *text, size_t size,
                       struct weir_slice_value values[SKEW_BY_FIELDS], char room[SKEW_SLICE_TEXT]);
// The exact lower bound of a share lies above what is allowed (Clopper and Pearson, 1934), at a
// chance of so much for all tests together.
int skew_rows_is_over(double n, double all, double allowed, double tests, double chance);
void skew_rows_report_lonely(const struct skew_instance *instance, const struct skew_tally *tally,
                             int offline, const struct weir_window *window);

#endif
